"""Frames of the watched slide, written while a run trains."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from idc.datasets.place import place_of
from idc.datasets.splits import Split
from idc.datasets.store import PatchStore
from idc.runs.run import Run
from idc.runs.watched_slide import (
    MOST_FRAMES,
    Frame,
    default_case,
    drop_frames_after,
    frame_files,
    frame_position,
    held_out_cases,
    quantise_probabilities,
    read_frames,
    requested_case,
    write_frame,
)

# Between two frames of a long epoch lie at least so many seconds, and so many times what a frame
# takes: however large the case and slow the device, they cost 3 % of the training.
_MIN_FRAME_INTERVAL_S = 3.0
_MIN_INTERVAL_IN_COSTS = 33
_POLL_INTERVAL_S = 1.0


def worst_patches(
    store: PatchStore, rows: np.ndarray, y_prob: np.ndarray, most: int = 12
) -> list[list[Any]]:
    """The wrong answers that are farthest from the label, as ``log.jsonl`` holds them.

    Args:
        rows: int64, shape (n,). ``y_prob``: float [0, 1], shape (n,).

    Returns:
        [place, probability] of each, such as ["8863_451_1451", 0.987]; the worst first.
    """
    labels = store.labels[rows]
    wrong = np.flatnonzero((y_prob >= 0.5) != (labels == 1))
    distance = np.abs(labels[wrong] - y_prob[wrong])
    worst = wrong[np.argsort(-distance, kind="stable")[:most]]
    return [[str(place_of(store, int(rows[i]))), round(float(y_prob[i]), 4)] for i in worst]


class SlideRecorder:
    """The trainer's side: decides when to look at the case, and writes the frames.

    Whatever goes wrong with a file here, training goes on.

    Args:
        answer: rows -> the network's probabilities now, float [0, 1].
    """

    def __init__(
        self,
        run: Run,
        store: PatchStore,
        split: Split,
        answer: Callable[[np.ndarray], np.ndarray],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._run, self._store, self._predict_rows, self._clock = run, store, answer, clock
        self._allowed = held_out_cases(store, split)
        self._case = default_case(store, split)
        self._validation = split.validation
        self._rows = np.empty(0, np.int64)
        self._last_check = self._last = -np.inf
        self._cost_s = 0.0

    def begin(self, epoch: int, elapsed_s: float, step: int = 0) -> None:
        """Called once the network stands at its start, or where it goes on from."""
        if self._case is None:
            return
        with _tolerate_disk_errors():
            drop_frames_after(self._run.folder, epoch, step)
        self._switch_case(requested_case(self._run))
        seen = [(frame.case, frame.position) for frame in read_frames(self._run)]
        if (self._case, (epoch, step)) not in seen:
            self._record_frame(epoch, step, elapsed_s)
            self._cost_s = 0.0  # the first answer compiles: not what the next ones will cost

    def after_step(self, epoch: int, step: int, elapsed_s: float) -> None:
        """Called after each step.

        Args:
            epoch: finished epochs. ``step``: finished steps of the one after.
        """
        now = self._clock()
        if step == 1:
            self._last = now  # a first step compiles: it is not seconds of training
        if self._case is None or now - self._last_check < _POLL_INTERVAL_S:
            return
        self._last_check = now
        if self._switch_case(requested_case(self._run)) or now - self._last >= max(
            _MIN_FRAME_INTERVAL_S, _MIN_INTERVAL_IN_COSTS * self._cost_s
        ):
            self._record_frame(epoch, step, elapsed_s)

    def after_epoch(self, epoch: int, elapsed_s: float, y_prob: np.ndarray) -> None:
        """Called after each epoch.

        Args:
            y_prob: the answers for the validation part, which need not be asked for again.
        """
        if self._case is None:
            return
        self._switch_case(requested_case(self._run))
        known = np.full(len(self._store), np.nan, np.float32)
        known[self._validation] = y_prob
        self._record_frame(epoch, 0, elapsed_s, known[self._rows])

    def _switch_case(self, case: int | None) -> bool:
        """Whether it is another case than before. One that trains is not shown."""
        wanted = case if case is not None and case in self._allowed else self._case
        if wanted == self._case and len(self._rows):
            return False
        self._case = wanted
        self._rows = np.flatnonzero(self._store.cases == wanted)
        return True

    def _record_frame(
        self, epoch: int, step: int, elapsed_s: float, known: np.ndarray | None = None
    ) -> None:
        began = self._clock()
        y_prob = np.full(len(self._rows), np.nan, np.float32) if known is None else known
        missing = np.isnan(y_prob)
        if missing.any():
            y_prob[missing] = self._predict_rows(self._rows[missing])
        assert self._case is not None
        frame = Frame(self._case, epoch, step, elapsed_s, quantise_probabilities(y_prob))
        with _tolerate_disk_errors():
            write_frame(self._run.folder, frame)
            self._thin_frames()
        self._last = self._clock()
        if step:
            self._cost_s = self._last - began

    def _thin_frames(self) -> None:
        """A very long run keeps every other frame, then every fourth, and so on."""
        files = sorted(frame_files(self._run.folder), key=frame_position)
        if len(files) > MOST_FRAMES:
            for path in files[1:-1:2]:
                path.unlink(missing_ok=True)


@contextlib.contextmanager
def _tolerate_disk_errors() -> Iterator[None]:
    """Let training go on when the disk is full: a frame is to be seen, and nothing needs it."""
    try:
        yield
    except OSError as error:
        print(f"The watched slide could not be written: {error}", file=sys.stderr)
