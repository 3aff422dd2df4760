"""Decoder process of whole slides: ``python -m idc.large_images.slide_decoder_worker FD``.

Reads boxes of a slide, by OpenSlide or else by `idc.large_images.tiff_slide`, and returns
downscaled RGB pixels. Started by `idc.large_images.whole_slide`; no module imports it. OpenSlide
and the codecs of TIFF are C code that reads untrusted files, so the process first gives up
resources that it does not need. It writes no file.
"""

import contextlib
import functools
import resource
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import openslide
from PIL import Image

from idc.large_images.tiff_slide import LargeImageRefusal, TiffSlide
from idc.processes.child import serve
from idc.processes.resource_limits import lower_limit
from idc.uploads.pixel_conversion import Refusal
from idc.uploads.resolution import Scale, plausible_mpp, scale_of_tiff

_MAX_MEMORY_BYTES = 4 * 2**30  # address space; the largest box takes 0.3
_BOUNDS_PROPERTIES = (
    openslide.PROPERTY_NAME_BOUNDS_X,
    openslide.PROPERTY_NAME_BOUNDS_Y,
    openslide.PROPERTY_NAME_BOUNDS_WIDTH,
    openslide.PROPERTY_NAME_BOUNDS_HEIGHT,
)
_STATES_SCALE_IN_TAGS = ("aperio", "generic-tiff")  # of the page at full resolution
_TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_TAG_UNITS = {"inch": 2, "centimeter": 3}
_DICOM_UNREADABLE = (
    "is a DICOM file that cannot be read as a whole slide; a slide needs a folder with all files "
    "of its series, and one of them is given"
)
_DICOM_INCOMPLETE = (
    "is a reduced level of a DICOM slide whose full resolution is missing; put all files of its "
    "series in one folder and give one of them"
)
_UNREADABLE = "is not a whole-slide file that OpenSlide can read, or it is damaged"


def answer(question: Mapping[str, Any], _: bytes) -> tuple[dict[str, Any], bytes]:
    """Answer `idc.large_images.whole_slide.WholeSlide`.

    Args:
        question: ``path`` alone requests the metadata; with ``box`` (x, y at full resolution,
            width, height at the level), ``level`` and ``size`` (width, height), pixels.

    Returns:
        ``{"ok": True, ...}``, with width * height * 3 bytes of RGB if pixels were requested, or
        ``{"ok": False, "reason"}``, with ``is_large`` if the image is too large for a region.
    """
    try:
        slide = _open_slide(question["path"])
        if "box" not in question:
            return {"ok": True, **_metadata(slide)}, b""
        return {"ok": True}, _pixels(slide, question).tobytes()
    except LargeImageRefusal as refusal:
        return {"ok": False, "reason": str(refusal), "is_large": True}, b""
    except Refusal as refusal:
        reason = str(refusal)
    except MemoryError:
        reason = "needs too much memory to read"
    except Exception:  # noqa: BLE001  hostile bytes make a decoder raise anything
        reason = _DICOM_UNREADABLE if _starts(question["path"], 128, b"DICM") else _UNREADABLE
    return {"ok": False, "reason": reason}, b""


@functools.lru_cache(maxsize=1)
def _open_slide(path: str) -> openslide.OpenSlide | TiffSlide:
    try:
        slide = _by_openslide(path)
    except openslide.OpenSlideError:
        if not any(_starts(path, 0, signature) for signature in _TIFF_SIGNATURES):
            raise
        return TiffSlide(path).checked()
    vendor = slide.properties.get(openslide.PROPERTY_NAME_VENDOR)
    if slide.properties.get("dicom.ImageType[3]") == "RESAMPLED":  # the largest level of all
        raise Refusal(_DICOM_INCOMPLETE)
    if vendor != "generic-tiff":
        return slide
    other = TiffSlide(path)
    has_more_levels = len(other.level_downsamples) > slide.level_count
    return other.checked() if has_more_levels or not other.is_plain else slide


def _starts(path: str, at: int, signature: bytes) -> bool:
    """Whether a file holds a signature at a position; not if it cannot be read."""
    with contextlib.suppress(OSError), Path(path).open("rb") as file:
        file.seek(at)
        return file.read(len(signature)) == signature
    return False


def _by_openslide(path: str) -> openslide.OpenSlide:
    slide = openslide.OpenSlide(path)
    slide.set_cache(openslide.OpenSlideCache(32 * 2**20))
    return slide


def _metadata(slide: openslide.OpenSlide | TiffSlide) -> dict[str, Any]:
    width, height = slide.dimensions
    scale = slide.scale if isinstance(slide, TiffSlide) else _scale(slide)
    properties = {} if isinstance(slide, TiffSlide) else slide.properties
    return {
        "width": width,
        "height": height,
        "downsamples": list(slide.level_downsamples),
        "mpp_um": scale.mpp_um,
        "scale_note": scale.note,
        "bounds": [properties.get(name) for name in _BOUNDS_PROPERTIES],
        "vendor": properties.get(openslide.PROPERTY_NAME_VENDOR, ""),
        "dicom_series": properties.get("dicom.SeriesInstanceUID", ""),
    }


def _scale(slide: openslide.OpenSlide) -> Scale:
    """What OpenSlide reads, else what the tags state, which OpenSlide also shows."""
    properties = slide.properties
    mpp_um = _mean_property(slide, openslide.PROPERTY_NAME_MPP_X, openslide.PROPERTY_NAME_MPP_Y)
    vendor = properties.get(openslide.PROPERTY_NAME_VENDOR)
    if vendor not in _STATES_SCALE_IN_TAGS and plausible_mpp(mpp_um) is not None:
        return Scale(mpp_um)
    return scale_of_tiff(
        description=properties.get("tiff.ImageDescription", ""),
        x_resolution=properties.get("tiff.XResolution"),
        y_resolution=properties.get("tiff.YResolution"),
        unit=_TAG_UNITS.get(properties.get("tiff.ResolutionUnit", "")),
        size=slide.dimensions,
    )


def _mean_property(slide: openslide.OpenSlide, *names: str) -> float | None:
    """The mean of some properties; None if one is missing or no number."""
    with contextlib.suppress(KeyError, ValueError):
        return sum(float(slide.properties[name]) for name in names) / len(names)
    return None


def _pixels(slide: openslide.OpenSlide | TiffSlide, question: Mapping[str, Any]) -> np.ndarray:
    """uint8 RGB, shape (height, width, 3): the box on white, shrunk by area to ``size``."""
    x, y, width, height = question["box"]
    box = slide.read_region((x, y), question["level"], (width, height))
    if isinstance(box, Image.Image):
        page = Image.new("RGB", box.size, "white")
        page.paste(box, mask=box.getchannel("A"))  # nothing was scanned where it is transparent
        box = np.asarray(page)
    size = tuple(question["size"])
    shrinks = size[0] <= width and size[1] <= height
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(box, size, interpolation=interpolation)


def main() -> None:
    """Drop resources that reading does not need, then answer until the parent disconnects."""
    cv2.setNumThreads(1)
    lower_limit(resource.RLIMIT_CORE, 0)
    lower_limit(resource.RLIMIT_FSIZE, 0)  # no file can be written
    lower_limit(resource.RLIMIT_NOFILE, 512)  # some formats are a folder of files
    if sys.platform == "linux":  # macOS knows the limit but does not let it be set
        lower_limit(resource.RLIMIT_AS, _MAX_MEMORY_BYTES)
    serve(answer)


if __name__ == "__main__":
    main()
