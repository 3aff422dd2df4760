"""What training does to the first filters: their weights before it and after each epoch.

Checkpoints keep the last two epochs alone, so the trainer puts the first convolution's kernel into
``first_filters/epoch-0003.npy``, a few kilobytes. Nothing heavy is imported: pages read them.
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
MAX_EPOCHS_SHOWN = 60  # epochs; of more, so many are picked evenly

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
    """Write the first convolution's kernel, atomically; a model without one leaves nothing.

    Args:
        model: a Keras model.
        epoch: finished epochs; 0 before the first.
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
    """What a run has kept, at most `MAX_EPOCHS_SHOWN` epochs; None for a run that has kept nothing.

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
            "see how they changed."
        ) from error
    return FirstFilters(tuple(kept[at][0] for at in picked), kernels)
