"""The folders of the app's files: beside the code, or in ``IDC_HOME``."""

import os
from pathlib import Path

from idc.errors import DataError

PROJECT_DIR = Path(__file__).resolve().parents[2]


def home_dir() -> Path:
    """The folder of all files that the app writes: ``IDC_HOME``, else the project's folder.

    Raises:
        DataError: no folder can have the path in ``IDC_HOME``.
    """
    moved = os.environ.get("IDC_HOME", "").strip()
    if not moved:
        return PROJECT_DIR
    try:
        path = Path(moved).expanduser().resolve()
        path.exists()  # raises for a path that is too long
    except (OSError, RuntimeError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(
            f"IDC_HOME is '{moved[:100]}', which cannot be a folder ({str(reason).rstrip('.')}); "
            "set it to another path."
        ) from error
    if path.exists() and not path.is_dir():
        raise DataError(f"IDC_HOME is '{moved[:100]}', which is a file; set it to a folder.")
    return path


def data_dir() -> Path:
    """The parent of the stores' folders. It may not exist yet."""
    return home_dir() / "data"


def runs_dir() -> Path:
    """The parent of the runs' folders. It may not exist yet."""
    return home_dir() / "runs"


def download_dir() -> Path:
    """Files of the download of the real data set. It may not exist yet."""
    return home_dir() / "download"


def whole_slides_dir() -> Path:
    """Predictions of whole slides, one folder each. It may not exist yet."""
    return home_dir() / "whole_slides"


def features_dir() -> Path:
    """Features of training patches, for comparison. It may not exist yet."""
    return home_dir() / "features"
