"""Frames of the watched slide, recorded while a run trains."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np

from idc.datasets.splits import Split
from idc.datasets.store import PatchStore
from idc.runs.run import Run
from idc.runs.watched_slide import (
    MAX_FRAMES,
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

# Two frames of an epoch are at least 3 s apart, and at least 33 times the duration of a frame:
# however large the case and slow the device, frames cost at most 3 % of the training.
_MIN_FRAME_INTERVAL_S = 3.0
_MIN_INTERVAL_IN_COSTS = 33
_POLL_INTERVAL_S = 1.0


class SlideRecorder:
    """Decides when to predict the watched case, and writes the frames.

    A failed write never ends the training.

    Args:
        predict: rows -> current probabilities, float [0, 1].
    """

    def __init__(
        self,
        run: Run,
        store: PatchStore,
        split: Split,
        predict: Callable[[np.ndarray], np.ndarray],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._run, self._store, self._predict, self._clock = run, store, predict, clock
        self._allowed_cases = held_out_cases(store, split)
        self._case = default_case(store, split)
        self._validation = split.validation
        self._rows = np.empty(0, np.int64)
        self._last_poll = self._last_frame = -np.inf
        self._frame_cost_s = 0.0

    def begin(self, epoch: int, elapsed_s: float, step: int = 0) -> None:
        """Record the initial or restored network, unless that frame exists."""
        if self._case is None:
            return
        with _tolerate_disk_errors():
            drop_frames_after(self._run.folder, epoch, step)
        self._switch_case(requested_case(self._run))
        recorded = [(frame.case, frame.position) for frame in read_frames(self._run)]
        if (self._case, (epoch, step)) not in recorded:
            self._record_frame(epoch, step, elapsed_s)
            self._frame_cost_s = 0.0  # the first prediction compiles; later ones are faster

    def after_step(self, epoch: int, step: int, elapsed_s: float) -> None:
        """Record a frame if one is due or another case was requested.

        Args:
            epoch: finished epochs. ``step``: finished steps of the next one.
        """
        now = self._clock()
        if step == 1:
            self._last_frame = now  # the first step compiles: it does not count as training time
        if self._case is None or now - self._last_poll < _POLL_INTERVAL_S:
            return
        self._last_poll = now
        min_interval_s = max(_MIN_FRAME_INTERVAL_S, _MIN_INTERVAL_IN_COSTS * self._frame_cost_s)
        if self._switch_case(requested_case(self._run)) or now - self._last_frame >= min_interval_s:
            self._record_frame(epoch, step, elapsed_s)

    def after_epoch(self, epoch: int, elapsed_s: float, y_prob: np.ndarray) -> None:
        """Record a frame.

        Args:
            y_prob: of the validation part, which is not predicted a second time.
        """
        if self._case is None:
            return
        self._switch_case(requested_case(self._run))
        known = np.full(len(self._store), np.nan, np.float32)
        known[self._validation] = y_prob
        self._record_frame(epoch, 0, elapsed_s, known[self._rows])

    def _switch_case(self, case: int | None) -> bool:
        """Switch to a case if it is held out; returns whether the case changed."""
        new_case = case if case is not None and case in self._allowed_cases else self._case
        if new_case == self._case and len(self._rows):
            return False
        self._case = new_case
        self._rows = np.flatnonzero(self._store.cases == new_case)
        return True

    def _record_frame(
        self, epoch: int, step: int, elapsed_s: float, known: np.ndarray | None = None
    ) -> None:
        began = self._clock()
        y_prob = np.full(len(self._rows), np.nan, np.float32) if known is None else known
        missing = np.isnan(y_prob)
        if missing.any():
            y_prob[missing] = self._predict(self._rows[missing])
        assert self._case is not None
        frame = Frame(self._case, epoch, step, elapsed_s, quantise_probabilities(y_prob))
        with _tolerate_disk_errors():
            write_frame(self._run.folder, frame)
            self._thin_frames()
        self._last_frame = self._clock()
        if step:
            self._frame_cost_s = self._last_frame - began

    def _thin_frames(self) -> None:
        """A very long run keeps every other frame, then every fourth, and so on."""
        files = sorted(frame_files(self._run.folder), key=frame_position)
        if len(files) > MAX_FRAMES:
            for path in files[1:-1:2]:
                path.unlink(missing_ok=True)


@contextlib.contextmanager
def _tolerate_disk_errors() -> Iterator[None]:
    """Report a full disk and continue: frames are only displayed, training does not need them."""
    try:
        yield
    except OSError as error:
        print(f"The watched slide could not be written: {error}", file=sys.stderr)
