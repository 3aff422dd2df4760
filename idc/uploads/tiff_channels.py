"""Three-channel images of ImageJ, OME and tifffile, which store a page per channel.

The first page alone would be one channel, shown as grey. Used by `idc.uploads.tiff_image` only.
"""

import copy
import json
import re
import xml.etree.ElementTree as ElementTree  # in the decoder process, under its limits
from dataclasses import dataclass

import numpy as np
from tifffile import TiffFile, TiffPage

from idc.uploads.tiff_codecs import NONE
from idc.uploads.tiff_layout import MIN_IS_BLACK, layout_of, refusal

MERGE_ADVICE = "merge the channels to RGB and try again"

_IMAGEJ_METADATA = 50839  # tag
_PRIMARIES = ((255, 0, 0), (0, 255, 0), (0, 0, 255))
_NAMES = (("red", "r"), ("green", "g"), ("blue", "b"))
_NEUTRAL_NAME = re.compile(r"(channel|ch|c)?[\s:_-]*\d*([\s:_/-]+\d+)*", re.IGNORECASE)
_MAX_XML_CHARACTERS = 2 * 10**6


@dataclass(frozen=True)
class Stack:
    """Pages that belong to one image.

    Attributes:
        count: number of channels.
        pages: the page of each channel, for the first slice and time.
        names, colours: as stated, one per channel; empty where nothing is stated. A colour is
            (red, green, blue), 0 .. 255.
    """

    count: int
    pages: tuple[int, ...]
    names: tuple[str, ...] = ()
    colours: tuple[tuple[int, int, int], ...] = ()


def channel_pages(file: TiffFile) -> list[TiffPage] | None:
    """The red, the green and the blue page, or None where the first page is an image of its own.

    Raises:
        Refusal: the image has other channels.
    """
    stack = _stack(file.pages.first)
    if stack is None:
        return None
    _check_colours(stack)
    pages = [_page(file, index) for index in stack.pages]
    first = pages[0]
    for page in pages:
        layout = layout_of(page)
        same_size = (page.imagewidth, page.imagelength) == (first.imagewidth, first.imagelength)
        if layout.photometric != MIN_IS_BLACK or layout.n_samples != 1 or not same_size:
            raise refusal(f"holds {stack.count} channels of different kinds", MERGE_ADVICE)
        if layout.bits not in (8, 16) or layout.bits != first.bitspersample:
            raise refusal(f"holds {stack.count} channels of {layout.bits} bits", MERGE_ADVICE)
    return pages


def _stack(page: TiffPage) -> Stack | None:
    """The stack that the first page's description states; None without channels."""
    text = page.description
    if text.startswith("ImageJ="):
        return _imagej_stack(page, text)
    if "<OME" in text[:2000] or text.rstrip().endswith("</OME>"):
        return _ome_stack(text)
    if text.startswith("{"):
        return _shaped_stack(text)
    return None


def _check_colours(stack: Stack) -> None:
    names = tuple(name.strip().lower() for name in stack.names)
    if stack.count != 3:
        raise refusal(f"holds {stack.count} channels rather than red, green and blue", MERGE_ADVICE)
    if stack.colours:
        is_rgb = stack.colours == _PRIMARIES
    elif len(names) == 3 and not all(_NEUTRAL_NAME.fullmatch(name) for name in names):
        is_rgb = all(name in known for name, known in zip(names, _NAMES, strict=True))
    else:
        is_rgb = True  # the default colours of ImageJ and Bio-Formats
    if not is_rgb:
        raise refusal("holds 3 channels that are not red, green and blue", MERGE_ADVICE)


def _page(file: TiffFile, index: int) -> TiffPage:
    """A page; ImageJ writes large stacks as one block with a single directory."""
    try:
        page = file.pages[index]
    except IndexError:
        page = None
    if isinstance(page, TiffPage):
        return page
    first = file.pages.first
    if not first.description.startswith("ImageJ=") or first.compression != NONE:
        raise refusal("states channels that are not in the file", MERGE_ADVICE)
    shifted = copy.copy(first)
    step = first.imagewidth * first.imagelength * first.bitspersample // 8
    shifted.dataoffsets = tuple(offset + index * step for offset in first.dataoffsets)
    return shifted


def _imagej_stack(page: TiffPage, text: str) -> Stack | None:
    values = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    metadata = page.tags.valueof(_IMAGEJ_METADATA, {})
    metadata = metadata if isinstance(metadata, dict) else {}
    labels = tuple(str(label) for label in metadata.get("Labels", ()))
    count = _count(values.get("channels"))
    if count == 1:  # ImageJ calls three slices with these labels an RGB stack
        is_rgb_stack = tuple(label.strip().lower() for label in labels) == ("red", "green", "blue")
        return Stack(3, (0, 1, 2)) if is_rgb_stack else None
    colours = tuple(_colour(table) for table in metadata.get("LUTs", ())[:count])
    grey = values.get("mode", "").strip() == "grayscale" or None in colours
    return Stack(
        count,
        tuple(range(min(count, 3))),  # the order of a hyperstack is channel, slice, time
        labels[:count] if len(labels) == count else (),
        () if grey or len(colours) != count else colours,  # type: ignore[arg-type]
    )


def _colour(table: np.ndarray) -> tuple[int, int, int] | None:
    """The brightest entry of a lookup table; None for grey."""
    red, green, blue = (int(value) for value in np.asarray(table).reshape(3, -1)[:, -1])
    return None if red == green == blue else (red, green, blue)


def _shaped_stack(text: str) -> Stack | None:
    """tifffile's own description: ``{"shape": [3, 50, 50], "axes": "CYX"}``."""
    try:
        stated = json.loads(text)
        axes, shape = str(stated["axes"]), [_count(size) for size in stated["shape"]]
    except (ValueError, KeyError, TypeError):
        return None  # says nothing of channels
    if axes.count("C") != 1 or len(axes) != len(shape) or axes.endswith("S"):
        return None
    pages = {axis: size for axis, size in zip(axes, shape, strict=True) if axis not in "YX"}
    return _stack_of_axes(pages)


def _stack_of_axes(pages: dict[str, int]) -> Stack | None:
    """A stack by the sizes of its axes, the slowest first."""
    count, step = pages["C"], 1
    for axis in reversed(pages):
        if axis == "C":
            break
        step *= pages[axis]
    if count == 1:
        return None
    return Stack(count, tuple(step * index for index in range(min(count, 3))))


def _ome_stack(text: str) -> Stack | None:
    if len(text) > _MAX_XML_CHARACTERS:
        return None
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return None  # a description that no program could read
    pixels = next((e for e in root.iter() if _tag(e) == "Pixels"), None)
    if pixels is None or _count(pixels.get("SizeC")) == 1:
        return None
    channels = [element for element in pixels if _tag(element) == "Channel"]
    order = pixels.get("DimensionOrder", "XYCZT")
    sizes = {axis: _count(pixels.get(f"Size{axis}")) for axis in reversed(order[2:])}
    stack = _stack_of_axes(sizes) if "C" in sizes else None
    if stack is None:
        return None
    names = tuple(channel.get("Name", "") for channel in channels)
    colours = tuple(_ome_colour(channel.get("Color")) for channel in channels)
    complete = len(channels) == stack.count
    return Stack(
        stack.count,
        _stated_pages(pixels, stack),
        names if complete and any(names) else (),
        () if not complete or None in colours else colours,  # type: ignore[arg-type]
    )


def _stated_pages(pixels: ElementTree.Element, stack: Stack) -> tuple[int, ...]:
    """The channels' pages where the file lists them one by one, else those of the stack."""
    stated = {}
    for element in pixels:
        if _tag(element) == "TiffData" and {"FirstC", "IFD"} <= set(element.keys()):
            first = [element.get(f"First{axis}", "0") for axis in "ZT"]
            if first == ["0", "0"]:
                stated[element.get("FirstC")] = int(element.get("IFD", "0"))
    pages = tuple(stated.get(str(index), -1) for index in range(len(stack.pages)))
    return stack.pages if min(pages) < 0 else pages


def _ome_colour(text: str | None) -> tuple[int, int, int] | None:
    """A signed number of red, green, blue and alpha; None if missing, or grey."""
    try:
        rgba = int(text or "-1") & 0xFFFFFFFF
    except ValueError:
        return None
    red, green, blue = rgba >> 24, rgba >> 16 & 255, rgba >> 8 & 255
    return None if red == green == blue else (red, green, blue)


def _tag(element: ElementTree.Element) -> str:
    """Its name without the namespace."""
    return element.tag.rsplit("}", 1)[-1]


def _count(value: object) -> int:
    """A count of pages, 1 if missing or impossible."""
    text = str(value)
    return max(1, int(text)) if text.isdecimal() and len(text) < 7 else 1
