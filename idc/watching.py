"""The watched slide: one held-out case, answered again and again while a run trains.

``watch.json`` in the run's folder names the case that somebody wants to see. The trainer looks at
it about once a second, and writes what the network says now as a frame: a file of its own in
``slide/``, whole or not there. A frame's place in the training is its finished epochs and the
finished steps of the epoch after them.
"""

import base64
import contextlib
import functools
import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from idc.datasets.place import place_of
from idc.datasets.splits import Split
from idc.datasets.stitched_slide import case_table
from idc.datasets.store import PatchStore
from idc.errors import written
from idc.files import atomic
from idc.runs import Run

WATCH_FILE = "watch.json"
SLIDE_DIR = "slide"

# Between two frames of a long epoch lie at least so many seconds, and so many times what a frame
# takes: however large the case and slow the device, they cost 3 % of the training.
_EVERY_S = 3.0
_LEAST_COSTS_APART = 33
_LOOK_EVERY_S = 1.0
_MOST_FRAMES = 1_000

# A byte a patch. An even number of levels, so that none straddles the threshold 0.5.
_LEVELS = 254
_NO_ANSWER = 255

_FRAME_NAME = re.compile(r"(\d+)-(\d+)-(\d+)\.json")


@dataclass(frozen=True)
class Frame:
    """What the network said about a case at one moment.

    Attributes:
        epoch: finished epochs. ``step``: finished steps of the epoch after them.
        elapsed_s: seconds of training until then.
        levels: uint8, one a patch of the case, in the order of the store: the probability's
            level of 254, or 255 where the network answered no number.
    """

    case: int
    epoch: int
    step: int
    elapsed_s: float
    levels: bytes

    @property
    def place(self) -> tuple[int, int]:
        """(epoch, step), which orders frames in training time."""
        return self.epoch, self.step

    def probabilities(self) -> np.ndarray:
        """float32 [0, 1], shape (n,), to the nearest 1/254; nan where there was no number."""
        levels = np.frombuffer(self.levels, np.uint8).astype(np.float32)
        return np.where(levels == _NO_ANSWER, np.nan, (levels + 0.5) / _LEVELS)


def frame_levels(y_prob: np.ndarray) -> bytes:
    """`Frame.levels` of some probabilities. What is at least 0.5 stays so, and what is below too.

    Args:
        y_prob: float [0, 1], shape (n,), or nan.
    """
    levels = np.clip(np.nan_to_num(y_prob) * _LEVELS, 0, _LEVELS - 1)
    return np.where(np.isnan(y_prob), _NO_ANSWER, np.floor(levels)).astype(np.uint8).tobytes()


# Which case


def held_out_cases(store: PatchStore, split: Split) -> np.ndarray:
    """Cases of a store of which no patch trains: int32, sorted. A random split has none."""
    return np.setdiff1d(store.cases, store.cases[split.train])


def default_case(store: PatchStore, split: Split) -> int | None:
    """The held-out case with most to see: the most patches of its rarer class.

    A case that the store holds completely comes before one with gaps, if it has both classes.
    """
    table = case_table(store.index)
    table = table[table["case"].isin(held_out_cases(store, split))]
    if table.empty:
        return None
    positive = table["positive"].to_numpy()
    rarer = np.minimum(positive, table["patches"].to_numpy() - positive)
    whole = (table["patches"] >= table["expected"]).to_numpy() & (rarer > 0)
    return int(table["case"].to_numpy()[np.lexsort((-rarer, ~whole))[0]])


def watch_case(run_folder: Path, case: int) -> None:
    """Ask the trainer for a case; it turns to it within about a second.

    Raises:
        RunError: the wish cannot be written.
    """
    with written("The wish for a case"):
        atomic.replace_json(run_folder / WATCH_FILE, {"case": int(case)})


def asked_case(run: Run) -> int | None:
    """The case that somebody asked for; None when nobody did."""
    try:
        case = json.loads((run.folder / WATCH_FILE).read_text(encoding="utf-8"))["case"]
    except (OSError, ValueError, KeyError, TypeError):
        return None  # a wish that cannot be read is no wish
    return case if isinstance(case, int) else None


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


# Frames on disk


def read_frames(run: Run) -> list[Frame]:
    """All readable frames of a run, in training time."""
    frames = [_read(path, path.stat().st_mtime_ns) for path in _frame_files(run.folder)]
    return sorted((frame for frame in frames if frame is not None), key=lambda frame: frame.place)


def write_frame(run_folder: Path, frame: Frame) -> None:
    """Write a frame, whole or not at all.

    Raises:
        OSError: it could not be written.
    """
    folder = run_folder / SLIDE_DIR
    folder.mkdir(exist_ok=True)
    content = {
        "case": frame.case,
        "epoch": frame.epoch,
        "step": frame.step,
        "elapsed_s": round(frame.elapsed_s, 2),
        "levels": base64.b64encode(frame.levels).decode("ascii"),
    }
    name = f"{frame.epoch:05d}-{frame.step:07d}-{frame.case}.json"
    atomic.replace_file(folder / name, json.dumps(content).encode())


def drop_frames_after(run_folder: Path, epoch: int, step: int = 0) -> None:
    """Drop what is superseded when a run goes on from an earlier place."""
    for path in _frame_files(run_folder):
        if _place_in(path) > (epoch, step):
            path.unlink(missing_ok=True)


def _frame_files(run_folder: Path) -> list[Path]:
    paths = (run_folder / SLIDE_DIR).glob("*.json")
    return [path for path in paths if _FRAME_NAME.fullmatch(path.name)]


def _place_in(path: Path) -> tuple[int, int]:
    epoch, step, _ = path.stem.split("-")
    return int(epoch), int(step)


# Pages look once a second; a frame never changes under the same name and time.
@functools.lru_cache(maxsize=4 * _MOST_FRAMES)
def _read(path: Path, written_ns: int) -> Frame | None:
    try:
        content = json.loads(path.read_bytes())
        content["levels"] = base64.b64decode(content["levels"])
        return Frame(**content)
    except (OSError, ValueError, KeyError, TypeError):
        return None  # dropped a moment ago, or damaged: one moment less to see


class SlideWatch:
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
        self._run, self._store, self._answer, self._clock = run, store, answer, clock
        self._allowed = held_out_cases(store, split)
        self._case = default_case(store, split)
        self._validation = split.validation
        self._rows = np.empty(0, np.int64)
        self._looked = self._last = -np.inf
        self._cost_s = 0.0

    def begin(self, epoch: int, elapsed_s: float, step: int = 0) -> None:
        """Called once the network stands at its start, or where it goes on from."""
        if self._case is None:
            return
        with _spared():
            drop_frames_after(self._run.folder, epoch, step)
        self._turn_to(asked_case(self._run))
        seen = [(frame.case, frame.place) for frame in read_frames(self._run)]
        if (self._case, (epoch, step)) not in seen:
            self._paint(epoch, step, elapsed_s)
            self._cost_s = 0.0  # the first answer compiles: not what the next ones will cost

    def after_step(self, epoch: int, step: int, elapsed_s: float) -> None:
        """Called after each step.

        Args:
            epoch: finished epochs. ``step``: finished steps of the one after.
        """
        now = self._clock()
        if step == 1:
            self._last = now  # a first step compiles: it is not seconds of training
        if self._case is None or now - self._looked < _LOOK_EVERY_S:
            return
        self._looked = now
        if self._turn_to(asked_case(self._run)) or now - self._last >= max(
            _EVERY_S, _LEAST_COSTS_APART * self._cost_s
        ):
            self._paint(epoch, step, elapsed_s)

    def after_epoch(self, epoch: int, elapsed_s: float, y_prob: np.ndarray) -> None:
        """Called after each epoch.

        Args:
            y_prob: the answers for the validation part, which need not be asked for again.
        """
        if self._case is None:
            return
        self._turn_to(asked_case(self._run))
        known = np.full(len(self._store), np.nan, np.float32)
        known[self._validation] = y_prob
        self._paint(epoch, 0, elapsed_s, known[self._rows])

    def _turn_to(self, case: int | None) -> bool:
        """Whether it is another case than before. One that trains is not shown."""
        wanted = case if case is not None and case in self._allowed else self._case
        if wanted == self._case and len(self._rows):
            return False
        self._case = wanted
        self._rows = np.flatnonzero(self._store.cases == wanted)
        return True

    def _paint(
        self, epoch: int, step: int, elapsed_s: float, known: np.ndarray | None = None
    ) -> None:
        began = self._clock()
        y_prob = np.full(len(self._rows), np.nan, np.float32) if known is None else known
        missing = np.isnan(y_prob)
        if missing.any():
            y_prob[missing] = self._answer(self._rows[missing])
        assert self._case is not None
        frame = Frame(self._case, epoch, step, elapsed_s, frame_levels(y_prob))
        with _spared():
            write_frame(self._run.folder, frame)
            self._keep_few()
        self._last = self._clock()
        if step:
            self._cost_s = self._last - began

    def _keep_few(self) -> None:
        """A very long run keeps every other frame, then every fourth, and so on."""
        files = sorted(_frame_files(self._run.folder), key=_place_in)
        if len(files) > _MOST_FRAMES:
            for path in files[1:-1:2]:
                path.unlink(missing_ok=True)


@contextlib.contextmanager
def _spared() -> Iterator[None]:
    """Let training go on when the disk is full: a frame is to be seen, and nothing needs it."""
    try:
        yield
    except OSError as error:
        print(f"The watched slide could not be written: {error}", file=sys.stderr)
