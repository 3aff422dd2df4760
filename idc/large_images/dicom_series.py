"""Which DICOM files of a folder belong to one slide.

A DICOM slide is a series: one file for each level, more for its label and its overview.
"""

from collections.abc import Iterable
from pathlib import Path

from idc.errors import SlideError
from idc.large_images.whole_slide import WholeSlide

DICOM_SUFFIX = ".dcm"


def one_file_per_series(files: Iterable[Path]) -> list[Path]:
    """The files without the further ones of a DICOM series in the same folder.

    A DICOM file that cannot be read as a slide stays, so that its prediction fails by name.
    """
    kept, seen = [], set()
    for file in files:
        series = _series(file) if file.suffix.lower() == DICOM_SUFFIX else ""
        key = file.parent, series
        if series and key in seen:
            continue
        seen.add(key)
        kept.append(file)
    return kept


def _series(file: Path) -> str:
    """The SeriesInstanceUID; empty if the file cannot be read."""
    try:
        with WholeSlide(file) as slide:
            return slide.dicom_series
    except SlideError:
        return ""
