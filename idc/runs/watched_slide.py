"""The watched slide: one held-out case, predicted repeatedly while a run trains.

``watch.json`` in the run's folder names the requested case. The trainer reads it about once a
second and writes the network's current probabilities as a frame: one file in ``slide/``, written
atomically. A frame's position in the training is the number of finished epochs and the finished
steps of the next epoch.
"""

import base64
import functools
import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from idc.datasets.cases import case_counts
from idc.datasets.splits import Split
from idc.datasets.store import PatchStore
from idc.errors import write_errors_as_run_error
from idc.files import atomic
from idc.runs.run import Run

WATCH_FILE = "watch.json"
SLIDE_DIR = "slide"

MAX_FRAMES = 1_000

# One byte per patch. With an even number of levels, none straddles the threshold 0.5.
_LEVELS = 254
_MISSING_LEVEL = 255

_FRAME_NAME = re.compile(r"(\d+)-(\d+)-(\d+)\.json")


@dataclass(frozen=True)
class Frame:
    """The network's probabilities for a case at a position in the training.

    Attributes:
        epoch: finished epochs. ``step``: finished steps of the next epoch.
        elapsed_s: seconds of training until then.
        levels: one uint8 per patch of the case, in the store's order: the probability quantised
            to 254 levels, or 255 for nan.
    """

    case: int
    epoch: int
    step: int
    elapsed_s: float
    levels: bytes

    @property
    def position(self) -> tuple[int, int]:
        """(epoch, step), which orders frames by training time."""
        return self.epoch, self.step

    def probabilities(self) -> np.ndarray:
        """float32 [0, 1], shape (n,), to the nearest 1/254, or nan."""
        levels = np.frombuffer(self.levels, np.uint8).astype(np.float32)
        return np.where(levels == _MISSING_LEVEL, np.nan, (levels + 0.5) / _LEVELS)


def quantise_probabilities(y_prob: np.ndarray) -> bytes:
    """`Frame.levels` of probabilities; each stays on its side of the threshold 0.5.

    Args:
        y_prob: float [0, 1], shape (n,), or nan.
    """
    levels = np.clip(np.nan_to_num(y_prob) * _LEVELS, 0, _LEVELS - 1)
    return np.where(np.isnan(y_prob), _MISSING_LEVEL, np.floor(levels)).astype(np.uint8).tobytes()


# The watched case


def held_out_cases(store: PatchStore, split: Split) -> np.ndarray:
    """Cases without training patches: int32, sorted. A random split has none."""
    return np.setdiff1d(store.cases, store.cases[split.train])


def default_case(store: PatchStore, split: Split) -> int | None:
    """The held-out case with the most patches of its rarer class.

    Complete cases with both classes take precedence over incomplete ones.
    """
    table = case_counts(store.index)
    table = table[table["case"].isin(held_out_cases(store, split))]
    if table.empty:
        return None
    positive = table["positive"].to_numpy()
    rarer = np.minimum(positive, table["patches"].to_numpy() - positive)
    incomplete = (table["patches"] < table["expected"]).to_numpy()  # False for unknown cases
    complete = ~incomplete & (rarer > 0)
    return int(table["case"].to_numpy()[np.lexsort((-rarer, ~complete))[0]])


def request_case(run_folder: Path, case: int) -> None:
    """Request a case; the trainer switches to it within about a second.

    Raises:
        RunError: the request cannot be written.
    """
    with write_errors_as_run_error("The request for a case"):
        atomic.replace_json(run_folder / WATCH_FILE, {"case": int(case)})


def requested_case(run: Run) -> int | None:
    """The requested case; None without a readable request."""
    try:
        case = json.loads((run.folder / WATCH_FILE).read_text(encoding="utf-8"))["case"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return case if isinstance(case, int) else None


# Frames on disk


def read_frames(run: Run) -> list[Frame]:
    """All readable frames of a run, in order of training time."""
    frames = [_read(path, path.stat().st_mtime_ns) for path in frame_files(run.folder)]
    return sorted(
        (frame for frame in frames if frame is not None), key=lambda frame: frame.position
    )


def write_frame(run_folder: Path, frame: Frame) -> None:
    """Write a frame atomically.

    Raises:
        OSError: it cannot be written.
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
    """Delete frames that are superseded when a run resumes from an earlier position."""
    for path in frame_files(run_folder):
        if frame_position(path) > (epoch, step):
            path.unlink(missing_ok=True)


def frame_files(run_folder: Path) -> list[Path]:
    """The files of all frames, in no order."""
    paths = (run_folder / SLIDE_DIR).glob("*.json")
    return [path for path in paths if _FRAME_NAME.fullmatch(path.name)]


def frame_position(path: Path) -> tuple[int, int]:
    """(epoch, step) of a frame's file."""
    epoch, step, _ = path.stem.split("-")
    return int(epoch), int(step)


# Pages read frames once a second; a file of the same name and time never changes.
@functools.lru_cache(maxsize=4 * MAX_FRAMES)
def _read(path: Path, written_ns: int) -> Frame | None:
    try:
        content = json.loads(path.read_bytes())
        content["levels"] = base64.b64decode(content["levels"])
        return Frame(**content)
    except (OSError, ValueError, KeyError, TypeError):
        return None  # just deleted, or damaged
