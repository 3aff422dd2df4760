"""Checkpoints as files, without Keras: which there are, and whether they are whole.

Two files each in ``checkpoints/``: ``epoch-0003.npz`` (``epoch-0003-step-000120.npz`` within the
epoch after it) and, written after it, the same name with ``.json`` and the checksum. One without
the other, or one that does not match, does not count. `idc.training.checkpoints` makes them.
"""

import hashlib
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

CHECKPOINTS_DIR = "checkpoints"
FORK_ORIGIN = "origin"  # of a fork: the parent's checkpoint, beside the run's own folder of them
_NAME_PATTERN = re.compile(r"epoch-(\d+)(?:-step-(\d+))?\.json")


def list_checkpoints(run_folder: Path) -> list[Path]:
    """The descriptions of a run's checkpoints; what they describe may be damaged."""
    found = []
    for path in (run_folder / CHECKPOINTS_DIR).glob("epoch-*.json"):
        if match := _NAME_PATTERN.fullmatch(path.name):
            found.append((int(match[1]), int(match[2] or 0), path))
    return [path for *_, path in sorted(found, reverse=True)]


def read_checkpoint(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """A checkpoint's description and arrays; both empty when it is damaged."""
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
        content = path.with_suffix(".npz").read_bytes()
        if hashlib.sha256(content).hexdigest() != description["sha256"]:
            return {}, {}
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return description, dict(arrays)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return {}, {}


def arrays_with_prefix(arrays: dict[str, np.ndarray], kind: str) -> list[np.ndarray]:
    """The arrays whose name begins so, in order: "v" variables, "m" running means."""
    return [arrays[name] for name in sorted(arrays) if name.startswith(kind)]
