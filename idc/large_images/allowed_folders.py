"""Whole-slide files that visitors may open: those in the folders of ``IDC_SLIDES``.

The app may be public, and the server can read the whole machine. A path from a visitor is therefore
read only inside folders that the operator allowed; a path outside gives the same message as one
that does not exist.
"""

import os
from itertools import islice
from pathlib import Path

from idc.errors import SlideError
from idc.large_images.whole_slide import SLIDE_SUFFIXES

FOLDERS_VARIABLE = "IDC_SLIDES"
_MAX_LISTED = 500
_MAX_SCANNED_ENTRIES = 20_000


def allowed_folders() -> list[Path]:
    """The allowed folders: absolute, symlinks resolved. Separated as in PATH."""
    named = os.environ.get(FOLDERS_VARIABLE, "").split(os.pathsep)
    return [Path(name).expanduser().resolve() for name in named if name.strip()]


def list_slides() -> list[str]:
    """Paths of the slides in these folders and below, sorted, the first 500."""
    paths = []
    for folder in allowed_folders():
        for path in islice(folder.rglob("*"), _MAX_SCANNED_ENTRIES):
            if path.suffix.lower() in SLIDE_SUFFIXES and not path.name.startswith("."):
                paths.append(str(path))
    return sorted(paths)[:_MAX_LISTED]


def allowed_slide(text: str) -> Path:
    """The file at a path from a visitor, absolute or relative to an allowed folder.

    Raises:
        SlideError: there is no such file, or it is outside; the message does not distinguish them.
    """
    for folder in allowed_folders():
        try:
            path = (folder / text.strip()).resolve()
            if path.is_relative_to(folder) and path.is_file():
                return path
        except (OSError, ValueError):  # too long, or contains a null byte
            continue
    raise SlideError(
        f"There is no slide at that path in an allowed folder; {FOLDERS_VARIABLE} lists the "
        "folders."
    )
