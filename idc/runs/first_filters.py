"""The first convolution's kernel before training and after each epoch.

Checkpoints exist for the last two epochs only, so the trainer also writes the kernel to
``first_filters/epoch-0003.npy`` (a few kB). No heavy imports: pages read these files.
"""

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from idc.errors import RunError
from idc.files import atomic

FIRST_FILTERS_DIR = "first_filters"
MAX_EPOCHS_SHOWN = 60  # of more, this many evenly spaced ones

_NAME_PATTERN = re.compile(r"epoch-([0-9]{4,6})\.npy")


@dataclass(frozen=True)
class FirstFilters:
    """The first convolution's kernels over time.

    Attributes:
        epochs: ascending; 0 is before training.
        kernels: float32, shape (epochs, height, width, channels of the patch, filters).
    """

    epochs: tuple[int, ...]
    kernels: np.ndarray


def save_first_filters(run_folder: Path, model: Any, epoch: int) -> None:
    """Write the first convolution's kernel atomically; a model without one writes nothing.

    Args:
        model: a Keras model.
        epoch: finished epochs; 0 before training.
    """
    kernel = next(
        (w for w in model.weights if w.path.endswith("kernel") and len(w.shape) == 4), None
    )
    if kernel is None:
        return
    folder = run_folder / FIRST_FILTERS_DIR
    folder.mkdir(exist_ok=True)
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(kernel).astype(np.float32), allow_pickle=False)
    atomic.replace_file(folder / f"epoch-{epoch:04d}.npy", buffer.getvalue())


def read_first_filters(run_folder: Path) -> FirstFilters | None:
    """A run's kernels of at most `MAX_EPOCHS_SHOWN` epochs; None without any.

    Raises:
        RunError: a file is damaged.
    """
    kept = sorted(
        (int(match[1]), path)
        for path in (run_folder / FIRST_FILTERS_DIR).glob("*.npy")
        if (match := _NAME_PATTERN.fullmatch(path.name))
    )
    if not kept:
        return None
    picked = np.unique(
        np.linspace(0, len(kept) - 1, min(MAX_EPOCHS_SHOWN, len(kept))).round().astype(int)
    )
    try:
        kernels = np.stack([np.load(kept[at][1], allow_pickle=False) for at in picked])
    except (OSError, ValueError, EOFError) as error:
        raise RunError(
            f"The first filters of the run '{run_folder.name}' are damaged on disk; train again to "
            "record them."
        ) from error
    return FirstFilters(tuple(kept[at][0] for at in picked), kernels)
