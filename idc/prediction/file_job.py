"""Many files -> probabilities, in the background: read, decode and predict, batch by batch.

The work runs in a thread, so that the page which asked may rerun, be left and be come back to. It
takes its turn at the decoders and at the model like any single patch
(`idc.processes.fair_semaphore`): others wait for one batch of it at most.
"""

import logging
import threading
import time
import weakref
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from idc.errors import IdcError, UploadError, UploadTimeout
from idc.imaging.rescaling import to_patch_size
from idc.patches import PATCH_SHAPE
from idc.prediction.file_predictions import FilePredictions
from idc.prediction.predictor import predict_patches
from idc.processes.time_left import time_left_s
from idc.runs.run import Run
from idc.uploads.file_batch import BatchFile
from idc.uploads.gate import decode_image

MAX_PATCH_SIDE_PX = 400  # a larger picture is a region, not a patch
MAX_PATCHES_IN_MEMORY = 60_000  # patches of all visitors, 450 MB
MAX_SLOW_FILES = 5  # files that run into the time limit; whose zip holds more is not waited for

_BATCH_SIZE = 64
_NOT_READ = "has not been read, because the work was stopped."

_jobs: "weakref.WeakSet[FilePredictionJob]" = weakref.WeakSet()
_admission_lock = threading.Lock()


@dataclass(frozen=True)
class FileJobState:
    """How far it is.

    Attributes:
        done, total: files.
        seconds_left: None while that cannot be told, and at the end.
        running: whether it goes on.
        problem: why it ended early, "" if it did not.
    """

    done: int
    total: int
    seconds_left: float | None
    running: bool
    problem: str


class FilePredictionJob:
    """One upload's files on their way to answers. Dropping it lets go of all of it.

    Args:
        run: who answers.
        files: at least one.

    Raises:
        UploadError: the server holds too many patches of other visitors.
    """

    def __init__(self, run: Run, files: Sequence[BatchFile]) -> None:
        count = len(files)
        with _admission_lock:
            if sum(len(job) for job in _jobs) + count > MAX_PATCHES_IN_MEMORY:
                raise UploadError(
                    "The server is full of other visitors' pictures; try again in a few minutes, "
                    "or with fewer."
                )
            self._run, self._files, self._count = run, list(files), count
            _jobs.add(self)
        self._names = tuple(file.name for file in files)
        self._labels = np.array(
            [-1 if file.label is None else file.label for file in files], np.int8
        )
        self._patches = np.zeros((count, *PATCH_SHAPE), np.uint8)
        self._y_prob = np.full(count, np.nan)
        self._problems = [_NOT_READ] * count
        # Two threads count, each its own.
        self._refused = self._answered = self._slow = 0
        self._problem = ""
        self._stopped = threading.Event()
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._work, name="many", daemon=True)

    def __len__(self) -> int:
        return self._count

    def start(self) -> None:
        """Begin."""
        self._began = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """End after the batch that is under way; what is answered stays."""
        self._stopped.set()

    def is_stopped(self) -> bool:
        """Whether it was told to end."""
        return self._stopped.is_set()

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait for the end."""
        self._thread.join(timeout_s)

    def state(self) -> FileJobState:
        """How far it is now."""
        running, done = self._thread.is_alive(), self._refused + self._answered
        taken_s = time.monotonic() - self._began
        known = running and done >= _BATCH_SIZE
        left_s = time_left_s(taken_s, done, self._count - done) if known else None
        return FileJobState(done, self._count, left_s, running, self._problem)

    def answers(self) -> FilePredictions:
        """What is known now. Share it, but do not change it."""
        return FilePredictions(
            self._names, self._labels, self._y_prob.copy(), tuple(self._problems), self._patches
        )

    def _work(self) -> None:
        try:
            with ThreadPoolExecutor(1, thread_name_prefix="many-predict") as pool:
                asked: Future[None] | None = None
                for start in range(0, self._count, _BATCH_SIZE):
                    places = self._decode(range(start, min(start + _BATCH_SIZE, self._count)))
                    if asked:
                        asked.result()
                    asked = pool.submit(self._predict, places)
                    if self._stopped.is_set() or self._problem:
                        break
                if asked:
                    asked.result()
        except IdcError as error:
            self._problem = str(error)
        except Exception:
            logging.getLogger(__name__).exception("predicting many files")
            self._problem = "The work ended unexpectedly; upload the files again."
        finally:
            self._files = []  # lets go of the upload's bytes

    def _decode(self, places: range) -> list[int]:
        """Decode some files; those that are good."""
        good = []
        for place in places:
            if self._stopped.is_set() or self._problem:
                break
            file = self._files[place]
            try:
                image = decode_image(file.read(), file.name, patch_side_px=MAX_PATCH_SIDE_PX)
            except UploadError as error:
                self._refuse(place, error)
                continue
            self._patches[place] = to_patch_size(image.rgb)
            good.append(place)
        return good

    def _refuse(self, place: int, error: UploadError) -> None:
        self._problems[place] = str(error)
        self._refused += 1
        self._slow += isinstance(error, UploadTimeout)
        if self._slow >= MAX_SLOW_FILES:
            self._problem = (
                f"{MAX_SLOW_FILES} files took too long to read, so the rest was left out; send "
                "ordinary pictures."
            )

    def _predict(self, places: list[int]) -> None:
        if not places:
            return
        self._y_prob[places] = predict_patches(self._run, self._patches[places])
        for place in places:
            self._problems[place] = ""
        self._answered += len(places)
