"""Where the app keeps its data and runs: beside the code, or in ``IDC_HOME``."""

import os
from pathlib import Path

PROJECT_DIR = Path(__file__).resolve().parents[2]


def home_dir() -> Path:
    """The folder of all the app writes: ``IDC_HOME``, else the project's folder."""
    moved = os.environ.get("IDC_HOME", "").strip()
    return Path(moved).expanduser().resolve() if moved else PROJECT_DIR


def data_dir() -> Path:
    """One folder a store. It need not exist yet."""
    return home_dir() / "data"


def runs_dir() -> Path:
    """One folder a run. It need not exist yet."""
    return home_dir() / "runs"


def download_dir() -> Path:
    """What the download of the real data set keeps. It need not exist yet."""
    return home_dir() / "download"


def whole_slides_dir() -> Path:
    """What models said about whole slides, one folder an answer. It need not exist yet."""
    return home_dir() / "whole_slides"


def features_dir() -> Path:
    """What networks make of training patches, kept to compare with. It need not exist yet."""
    return home_dir() / "features"
