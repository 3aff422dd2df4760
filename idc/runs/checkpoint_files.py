"""List and read checkpoint files without Keras. `idc.training.checkpoints` writes them.

A checkpoint consists of two files in ``checkpoints/``: ``epoch-0003.npz``
(``epoch-0003-step-000120.npz`` within the epoch after it) and, written after it, a ``.json`` file
of the same name with the checksum. A checkpoint with a missing or mismatching file is invalid.
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
FORK_ORIGIN = "origin"  # in a fork's folder: the parent's checkpoint
_NAME_PATTERN = re.compile(r"epoch-(\d+)(?:-step-(\d+))?\.json")


def list_checkpoints(run_folder: Path) -> list[Path]:
    """The ``.json`` files of a run's checkpoints, newest first; arrays may be damaged."""
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
    """The arrays with this name prefix, in order: "v" variables, "m" running means."""
    return [arrays[name] for name in sorted(arrays) if name.startswith(kind)]
