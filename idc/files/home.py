"""The folders of the app's files: beside the code, or in ``IDC_HOME``."""

import os
from pathlib import Path

PROJECT_DIR = Path(__file__).resolve().parents[2]


def home_dir() -> Path:
    """The folder of all files that the app writes: ``IDC_HOME``, else the project's folder."""
    moved = os.environ.get("IDC_HOME", "").strip()
    return Path(moved).expanduser().resolve() if moved else PROJECT_DIR


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
