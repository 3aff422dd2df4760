"""Convert any pixel format to 8-bit sRGB on white, without clipping or inverting values.

Used by `idc.uploads.pillow_image` and `idc.uploads.tiff_image` only, in the decoder process. Each
conversion that changes the meaning of the values adds a sentence to a list of notes.
"""

import functools
from io import BytesIO
from typing import Any

from PIL import Image, ImageChops, ImageCms

DAMAGED = "is damaged, incomplete or unsupported; save it as an 8-bit RGB PNG and try again"
RANGE_UNKNOWN = (
    "holds 32-bit, signed or floating-point values; save it as an 8-bit RGB PNG and try again"
)
TO_SLIDE = "`vips tiffsave {} OUT --tile --pyramid --compression jpeg`"  # of libvips
PREDICT_AS_SLIDE = f"predict it as a whole slide, made by {TO_SLIDE.format('IN')}"
UNUSUAL_PIXELS = "has an unsupported pixel format; save it as an 8-bit RGB PNG and try again"

BILEVEL_NOTE = "Black and white converted to RGB."
GREY_NOTE = "Grey converted to RGB."
PALETTE_NOTE = "Palette colours converted to RGB."
CMYK_NOTE = "CMYK inks converted to RGB."
YCBCR_NOTE = "YCbCr converted to RGB."
TURN_NOTE = "Rotated upright by its EXIF orientation."
PAGE_NOTE = "Only the first of several pages or frames is used."

_MODE_NOTES = {
    "1": BILEVEL_NOTE,
    "L": GREY_NOTE,
    "LA": GREY_NOTE,
    "P": PALETTE_NOTE,
    "RGB": "",
    "RGBA": "",
    "CMYK": CMYK_NOTE,
    "YCbCr": YCBCR_NOTE,
}
_EQUIVALENT_MODE = {"PA": "RGBA", "RGBX": "RGB"}
_PROFILE_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}  # by a profile's colour space
_MAX_INVISIBLE_DIFFERENCE = 2  # of 255: a profile with smaller changes equals sRGB
_TRANSPOSE_BY_ORIENTATION = {  # tag 274 of EXIF and TIFF
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
QUARTER_TURNS = (5, 6, 7, 8)  # orientations that exchange width and height


class Refusal(Exception):
    """Why a file is refused: the rest of a sentence that begins with the file's name."""


def to_rgb(image: Image.Image, raw_mode: str, notes: list[str]) -> Image.Image:
    """Convert a decoded image to mode "RGB".

    Args:
        image: of any mode that Pillow decodes to; its colour key, if any, is consumed.
        raw_mode: Pillow's name for the pixel format in the file ("RGB;16B").
        notes: a sentence is added for each conversion.

    Raises:
        Refusal: the range of the values is unknown.
    """
    colour, alpha = _split_alpha(_eight_bit(image, raw_mode, notes), notes)
    return opaque_srgb(colour, alpha, image.info.get("icc_profile"), notes)


def opaque_srgb(
    colour: Image.Image, alpha: Image.Image | None, profile: bytes | None, notes: list[str]
) -> Image.Image:
    """Apply a colour profile, then put the image on white.

    Args:
        colour: mode "L", "RGB" or "CMYK".
        alpha: mode "L", not multiplied into the colours; None if all is opaque.
        profile: the embedded ICC profile, possibly damaged.
        notes: a sentence is added for each conversion.

    Returns:
        An image of mode "RGB".
    """
    return _on_white(_to_srgb(colour, profile, notes), alpha, notes)


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """The upright image; the same object for orientation 1 and undefined ones."""
    turn = _TRANSPOSE_BY_ORIENTATION.get(orientation)
    return image if turn is None else image.transpose(turn)


def _eight_bit(image: Image.Image, raw_mode: str, notes: list[str]) -> Image.Image:
    """The image in a mode of `_MODE_NOTES`, with any colour key scaled to 8 bit."""
    if image.mode in ("I", "F"):
        raise Refusal(RANGE_UNKNOWN)
    bits = 16 if ";16" in raw_mode else 8
    if bits == 16:
        notes.append("16-bit values scaled to 8 bit.")
    if image.mode.startswith("I;16"):
        return _eight_bit_grey(image)
    if raw_mode.startswith("LA;16"):  # Pillow decodes it as RGBA
        image = image.convert("LA")
    if bits == 16 and image.info.pop("transparency", None) is not None:
        notes.append("The transparent colour of a 16-bit image ignored.")
    if raw_mode in ("L;2", "L;4") and "transparency" in image.info:  # Pillow leaves it unscaled
        image.info["transparency"] *= 85 if raw_mode == "L;2" else 17
    if image.mode in _EQUIVALENT_MODE:
        image = image.convert(_EQUIVALENT_MODE[image.mode])
    return image


def _eight_bit_grey(image: Image.Image) -> Image.Image:
    """Scale 16-bit grey. Pillow's own conversion would clip at 255 instead."""
    values = image.convert("I")
    grey = values.point(_sixteen_to_eight_bit(), "L")
    key = image.info.get("transparency")
    if key is None:
        return grey
    alpha = values.point([255 * (value != key) for value in range(2**16)], "L")
    return Image.merge("LA", (grey, alpha))


@functools.cache
def _sixteen_to_eight_bit() -> list[int]:
    """Lookup table of 65536 entries, rounded."""
    return [(value + 128) // 257 for value in range(2**16)]


def _split_alpha(image: Image.Image, notes: list[str]) -> tuple[Image.Image, Image.Image | None]:
    """Split into colour ("L", "RGB" or "CMYK") and alpha ("L"), None if all is opaque."""
    note = _MODE_NOTES.get(image.mode)
    if note is None:
        raise Refusal(UNUSUAL_PIXELS)
    if note:
        notes.append(note)
    grey = image.mode in ("1", "L", "LA")
    opaque = "L" if grey else "CMYK" if image.mode == "CMYK" else "RGB"
    if not image.has_transparency_data:
        return _in_mode(opaque, image), None
    image = _in_mode("LA" if grey else "RGBA", image)
    alpha = image.getchannel("A")
    all_opaque = alpha.getextrema() == (255, 255)
    return image.convert(opaque), None if all_opaque else alpha


def _in_mode(mode: str, image: Image.Image) -> Image.Image:
    """Convert if necessary. Pillow would copy an image that already has the mode."""
    return image if image.mode == mode else image.convert(mode)


def _to_srgb(colour: Image.Image, profile: Any, notes: list[str]) -> Image.Image:
    """Convert to RGB by the embedded profile (bytes); without one, by Pillow's default."""
    plain = _in_mode("RGB", colour)
    if not profile:
        return plain
    try:
        transform, mode = _transform(profile, colour.mode)
        swatches = _swatches(mode)
        if mode != "CMYK" and _nearly_equal(transform.apply(swatches), swatches.convert("RGB")):
            return plain
        converted = transform.apply(colour.convert(mode))
    except Exception:  # noqa: BLE001  a broken profile changes the hue only
        notes.append("Unusable colour profile ignored.")
        return plain
    notes.append("Colours converted from the embedded profile to sRGB.")
    return converted


def _transform(profile: bytes, mode: str) -> tuple[ImageCms.ImageCmsTransform, str]:
    """The transform from a profile to sRGB, and the mode of its input."""
    source = ImageCms.ImageCmsProfile(BytesIO(profile))
    input_mode = _PROFILE_MODES[source.profile.xcolor_space.strip()]
    if (mode, input_mode) not in {("L", "L"), ("L", "RGB"), ("RGB", "RGB"), ("CMYK", "CMYK")}:
        raise ImageCms.PyCMSError("the profile is for another pixel format")
    srgb = ImageCms.createProfile("sRGB")
    return ImageCms.buildTransform(source, srgb, input_mode, "RGB"), input_mode


def _swatches(mode: str) -> Image.Image:
    """Sample colours across the colour space, one per pixel."""
    levels = range(0, 256, 51)
    if mode == "RGB":
        cube = bytes(v for r in levels for g in levels for b in levels for v in (r, g, b))
        return Image.frombytes("RGB", (len(levels) ** 3, 1), cube)
    return Image.frombytes("L", (256, 1), bytes(range(256))).convert(mode)


def _nearly_equal(one: Image.Image, other: Image.Image) -> bool:
    extrema = ImageChops.difference(one, other).getextrema()
    return max(top for _, top in extrema) <= _MAX_INVISIBLE_DIFFERENCE  # type: ignore[misc]


def _on_white(rgb: Image.Image, alpha: Image.Image | None, notes: list[str]) -> Image.Image:
    if alpha is None:
        return rgb
    notes.append("Transparent parts put on white.")
    background = Image.new("RGB", rgb.size, "white")
    background.paste(rgb, mask=alpha)
    return background
