"""Which whole-slide files a visitor of the app may name: those in the folders of ``IDC_SLIDES``.

The app may be open to strangers, and the server sees the whole machine. So nothing is read from a
path that a visitor types unless whoever started the server allowed its folder, and a path outside
is answered word for word as one that does not exist.
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
    """The folders that may be read: absolute, links followed. Several are parted as in PATH."""
    named = os.environ.get(FOLDERS_VARIABLE, "").split(os.pathsep)
    return [Path(name).expanduser().resolve() for name in named if name.strip()]


def list_slides() -> list[str]:
    """Paths of the slides in these folders and below, sorted, the first 500."""
    found = []
    for folder in allowed_folders():
        for path in islice(folder.rglob("*"), _MAX_SCANNED_ENTRIES):
            if path.suffix.lower() in SLIDE_SUFFIXES and not path.name.startswith("."):
                found.append(str(path))
    return sorted(found)[:_MAX_LISTED]


def allowed_slide(text: str) -> Path:
    """The file that a visitor named, by a whole path or one below an allowed folder.

    Raises:
        SlideError: there is none, or it lies elsewhere; which of the two is not said.
    """
    for folder in allowed_folders():
        try:
            path = (folder / text.strip()).resolve()
            if path.is_relative_to(folder) and path.is_file():
                return path
        except (OSError, ValueError):  # too long, or a zero in it
            continue
    raise SlideError(
        f"There is no slide at that path in a folder that may be read; {FOLDERS_VARIABLE} "
        "names those."
    )
