"""Micrometres per pixel that a TIFF states: OME, Aperio, ImageJ, or its resolution tags.

`idc.uploads.tiff_image` and `idc.large_images.slide_decoder_worker` read the tags, each by its own
library, and ask here what they mean. Statements that disagree are reported, never chosen in
silence. Cameras and screens write 72 or 300 dots per inch, which describes the print; resolution
tags that no tissue image can have are therefore ignored.
"""

import re
import xml.etree.ElementTree as ElementTree  # in a decoder process, under its limits
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

# The bounds of `idc.imaging.rescaling`, repeated because the decoder imports as little as possible.
_MIN_MPP_UM, _MAX_MPP_UM = 0.05, 16.0
_TOLERANCE = 0.02  # between two statements, and between x and y

_INCH_UM = 25_400.0
_UM_PER_TAG_UNIT = {2: _INCH_UM, 3: 10_000.0}  # inch, centimetre
_UM_PER_UNIT = {  # of OME and ImageJ; both call an unknown scale "pixel"
    **dict.fromkeys(("µm", "um", "micron", "microns", "micrometer", "micrometre"), 1.0),
    **dict.fromkeys(("nm", "nanometer", "nanometre"), 1e-3),
    **dict.fromkeys(("mm", "millimeter", "millimetre"), 1e3),
    **dict.fromkeys(("cm", "centimeter", "centimetre"), 1e4),
    **dict.fromkeys(("in", "inch", "inches"), _INCH_UM),
    **dict.fromkeys(("m", "meter", "metre"), 1e6),
    "dm": 1e5,
    "pm": 1e-6,
    "å": 1e-4,
    "thou": _INCH_UM / 1000,
    "pt": _INCH_UM / 72,
}
_APERIO_MPP = re.compile(r"(?:^|[|;\s])MPP\s*=\s*([^|;\s]+)", re.IGNORECASE)
_IMAGEJ_UNIT = re.compile(r"^(y?)unit=(.*?)\s*$", re.MULTILINE)
_MAX_CHARACTERS = 4 * 10**6  # of a description; the largest OME headers have some 100,000


@dataclass(frozen=True)
class Scale:
    """What a file states about its scale.

    Attributes:
        mpp_um: micrometres per pixel, [0.05, 16]; None if the file states none that is usable.
        note: one sentence where statements disagree or are unusable; else empty.
    """

    mpp_um: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Statement:
    """Micrometres per pixel across and down, by the words for where they stand."""

    source: str
    across_um: float
    down_um: float


def scale_of_tiff(
    *,
    description: object = "",
    x_resolution: object = None,
    y_resolution: object = None,
    unit: object = 2,
    size: tuple[int, int] | None = None,
) -> Scale:
    """The scale that a TIFF page states; any argument may be missing or hostile.

    Args:
        description: text of tag 270.
        x_resolution, y_resolution: tags 282 and 283 as (numerator, denominator) or a number.
        unit: tag 296; 1 none, 2 inch, 3 centimetre.
        size: (width, height) of the page, to find it among the images of an OME header.
    """
    text = description[:_MAX_CHARACTERS] if isinstance(description, str) else ""
    per_unit = _ratio(x_resolution), _ratio(y_resolution)
    return agreed_scale(
        statement
        for statement in (_ome(text, size), _aperio(text), _resolution(text, per_unit, unit))
        if statement is not None
    )


def agreed_scale(statements: Iterable[Statement]) -> Scale:
    """The first usable statement, and a note where another is unusable or differs by over 2 %."""
    usable: list[tuple[str, float]] = []
    notes = []
    for one in statements:
        mpp_um, problem = _square_mpp(one)
        if mpp_um is None:
            notes.append(problem)
        elif all(abs(mpp_um - other) > _TOLERANCE * max(mpp_um, other) for _, other in usable):
            usable.append((one.source, mpp_um))
    if not usable:
        return Scale(None, " ".join(notes))
    if len(usable) > 1:
        first, *others = usable
        stated = "".join(f", {source} {um:.4g}" for source, um in others)
        notes.insert(
            0,
            f"{_upper(first[0])} state {first[1]:.4g} um per pixel{stated}; the first is used "
            "unless you choose another.",
        )
    return Scale(usable[0][1], " ".join(notes))


def plausible_mpp(mpp_um: object) -> float | None:
    """The value itself if it is a float in [0.05, 16]; None for anything else."""
    return mpp_um if isinstance(mpp_um, float) and _MIN_MPP_UM <= mpp_um <= _MAX_MPP_UM else None


def _square_mpp(one: Statement) -> tuple[float | None, str]:
    """The usable scale of a statement, or None and why it is not usable."""
    across, down = one.across_um, one.down_um
    if abs(across - down) > _TOLERANCE * max(across, down):
        return None, (
            f"{_upper(one.source)} state pixels of {across:.4g} x {down:.4g} um, which are not "
            "square and give no scale."
        )
    mean = (across + down) / 2
    if plausible_mpp(mean) is None:
        return None, (
            f"{_upper(one.source)} state {mean:.4g} um per pixel, outside {_MIN_MPP_UM:g} to "
            f"{_MAX_MPP_UM:g}, which is ignored."
        )
    return mean, ""


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _ome(text: str, size: tuple[int, int] | None) -> Statement | None:
    """PhysicalSizeX and -Y; a missing one is taken as equal, as pixels usually are."""
    if "<OME" not in text and ":OME" not in text:
        return None
    try:
        root = ElementTree.fromstring(text.strip("\0 \r\n\t"))
    except (ElementTree.ParseError, ValueError):
        return None
    images = [element for element in root.iter() if element.tag.rsplit("}", 1)[-1] == "Pixels"]
    if not images:
        return None
    wanted = [str(side) for side in size or ()]
    same_size = [one for one in images if [one.get("SizeX"), one.get("SizeY")] == wanted]
    pixels = (same_size or images)[0]
    sides = [_ome_length(pixels, axis) for axis in "XY"]
    known = [side for side in sides if side is not None]
    return Statement("the OME metadata", known[0], known[-1]) if known else None


def _ome_length(pixels: ElementTree.Element, axis: str) -> float | None:
    factor = _um_per(pixels.get(f"PhysicalSize{axis}Unit", "µm"))
    value = _number(pixels.get(f"PhysicalSize{axis}"))
    return None if factor is None or value is None else value * factor


def _aperio(text: str) -> Statement | None:
    found = _APERIO_MPP.search(text)
    value = _number(found[1].replace(",", ".")) if found else None  # the comma of some locales
    return None if value is None else Statement("the MPP values", value, value)


def _resolution(
    text: str, per_unit: tuple[float | None, float | None], unit: object
) -> Statement | None:
    """The resolution tags, in ImageJ's own unit where the description names one."""
    across, down = per_unit
    if across is None or down is None:
        return None
    units = {axis: _um_per(name) for axis, name in _IMAGEJ_UNIT.findall(text)}
    factor = units.get("") if text.startswith("ImageJ=") else None
    if factor is not None:
        return Statement("the ImageJ units", factor / across, (units.get("y") or factor) / down)
    factor = _UM_PER_TAG_UNIT.get(unit) if isinstance(unit, int) else None
    if factor is None:
        return None
    stated = Statement("the resolution tags", factor / across, factor / down)
    is_print = plausible_mpp(stated.across_um) is None or plausible_mpp(stated.down_um) is None
    return None if is_print else stated


def _um_per(name: str) -> float | None:
    """Micrometres in a unit of length; None for "pixel" and unknown ones."""
    name = name.strip().strip('"').replace("\u03bc", "µ")  # Greek mu, micro sign
    for escape in ("\\u00b5", "\\u00B5", "\\u03bc", "\\u03BC"):  # as ImageJ writes it
        name = name.replace(escape, "µ")
    return _UM_PER_UNIT.get(name.lower())


def _number(text: str | None) -> float | None:
    """A positive, finite number; else None."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 < value < float("inf") else None


def _ratio(value: Any) -> float | None:
    """A positive, finite number from a rational or a number; else None."""
    try:
        number = value[0] / value[1] if isinstance(value, tuple | list) else float(value)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError, IndexError):
        return None
    return number if 0 < number < float("inf") else None
