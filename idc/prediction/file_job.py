"""Predict many files in the background: read, decode and predict, batch by batch.

The job runs in a thread, independent of page reruns. It queues for decoders and model like a
single patch (`idc.processes.fair_semaphore`), so other requests wait for at most one of its
batches.
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
from idc.prediction.file_predictions import FilePredictions
from idc.prediction.image_warnings import predict_with_warnings
from idc.processes.time_left import time_left_s
from idc.runs.run import Run
from idc.uploads.file_batch import BatchFile
from idc.uploads.gate import decode_patch_image
from idc.uploads.image_files import as_patch

MAX_PATCHES_IN_MEMORY = 60_000  # of all visitors, 450 MB
MAX_SLOW_FILES = 5  # a job ends after this many files exceeded the time limit

_BATCH_SIZE = 64
_NOT_READ = "was not read because the job was stopped."

_jobs: "weakref.WeakSet[FilePredictionJob]" = weakref.WeakSet()
_admission_lock = threading.Lock()


@dataclass(frozen=True)
class FileJobState:
    """Progress of a job.

    Attributes:
        done, total: numbers of files.
        seconds_left: None while unknown, and at the end.
        running: whether the job is still running.
        problem: why it ended early, "" otherwise.
    """

    done: int
    total: int
    seconds_left: float | None
    running: bool
    problem: str


class FilePredictionJob:
    """A background job that predicts the files of one upload. Dropping it frees its memory.

    Args:
        run: whose model predicts.
        files: at least one.

    Raises:
        UploadError: the server holds too many patches of all visitors.
    """

    def __init__(self, run: Run, files: Sequence[BatchFile]) -> None:
        count = len(files)
        with _admission_lock:
            if sum(len(job) for job in _jobs) + count > MAX_PATCHES_IN_MEMORY:
                raise UploadError(
                    "The server's memory for uploaded images is full; try again in a few minutes, "
                    "or with fewer images."
                )
            self._run, self._files, self._count = run, list(files), count
            _jobs.add(self)
        self._names = tuple(file.name for file in files)
        self._labels = np.array(
            [-1 if file.label is None else file.label for file in files], np.int8
        )
        self._about = run.description()
        self._patches = np.zeros((count, *self._about.patch_shape), np.uint8)
        self._y_prob = np.full(count, np.nan)
        self._problems = [_NOT_READ] * count
        self._notes: list[tuple[str, ...]] = [()] * count
        self._warnings = [""] * count
        # Each counter is written by one of the two threads.
        self._refused = self._answered = self._slow = 0
        self._problem = ""
        self._stopped = threading.Event()
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._work, name="many", daemon=True)

    def __len__(self) -> int:
        return self._count

    def start(self) -> None:
        """Start the job."""
        self._began = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """End after the current batch; existing predictions stay."""
        self._stopped.set()

    def is_stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stopped.is_set()

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait for the end."""
        self._thread.join(timeout_s)

    def state(self) -> FileJobState:
        """The current progress."""
        running, done = self._thread.is_alive(), self._refused + self._answered
        taken_s = time.monotonic() - self._began
        known = running and done >= _BATCH_SIZE
        left_s = time_left_s(taken_s, done, self._count - done) if known else None
        return FileJobState(done, self._count, left_s, running, self._problem)

    def answers(self) -> FilePredictions:
        """The predictions so far. They share memory with the job: do not modify them."""
        return FilePredictions(
            self._names,
            self._labels,
            self._y_prob.copy(),
            tuple(self._problems),
            tuple(self._warnings),
            self._patches,
        )

    def _work(self) -> None:
        try:
            with ThreadPoolExecutor(1, thread_name_prefix="many-predict") as pool:
                batch: Future[None] | None = None
                for start in range(0, self._count, _BATCH_SIZE):
                    places = self._decode(range(start, min(start + _BATCH_SIZE, self._count)))
                    if batch:
                        batch.result()
                    batch = pool.submit(self._predict, places)
                    if self._stopped.is_set() or self._problem:
                        break
                if batch:
                    batch.result()
        except IdcError as error:
            self._problem = str(error)
        except Exception:
            logging.getLogger(__name__).exception("predicting many files")
            self._problem = "The job ended unexpectedly; upload the files again."
        finally:
            self._files = []  # frees the upload's bytes

    def _decode(self, places: range) -> list[int]:
        """Decode some files; returns the indices of those that are valid."""
        good = []
        for place in places:
            if self._stopped.is_set() or self._problem:
                break
            file = self._files[place]
            try:
                image = decode_patch_image(file.read(), file.name, side_px=self._patches.shape[1])
            except UploadError as error:
                self._refuse(place, error)
                continue
            patch = as_patch(image, self._about.side_px, self._about.mpp_um)
            self._patches[place], self._notes[place] = patch.rgb, patch.notes
            good.append(place)
        return good

    def _refuse(self, place: int, error: UploadError) -> None:
        self._problems[place] = str(error)
        self._refused += 1
        self._slow += isinstance(error, UploadTimeout)
        if self._slow >= MAX_SLOW_FILES:
            self._problem = (
                f"{MAX_SLOW_FILES} files took too long to read, so the rest was skipped; upload "
                "ordinary images."
            )

    def _predict(self, places: list[int]) -> None:
        if not places:
            return
        self._y_prob[places], warnings = predict_with_warnings(self._run, self._patches[places])
        for place, sentences in zip(places, warnings, strict=True):
            self._problems[place] = ""
            self._warnings[place] = " ".join((*self._notes[place], *sentences))
        self._answered += len(places)
