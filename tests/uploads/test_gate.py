"""idc.uploads.gate: what it accepts, converts and refuses."""

import contextlib
import json
import math
import os
import random
import re
import signal
import struct
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from idc.errors import UploadError, UploadTimeout
from idc.processes.child import Child
from idc.uploads.decoder_pool import (
    LARGE_LIMITS,
    MAX_PIXELS,
    MAX_SIDE_PX,
    MAX_STANDARD_BYTES,
    STANDARD_LIMITS,
)
from idc.uploads.gate import (
    MAX_FILE_BYTES,
    DecodedImage,
    Gate,
    ImageHeader,
    decode_image,
    image_header,
    warm_gate,
)
from tests.support.made_files import (
    bmp_declaring,
    chunk,
    jpeg_declaring,
    one_bit_png,
    picture,
    png,
    saved,
    tiff,
    webp_declaring,
)
from tests.support.waiting import wait_until

WHITE = [255, 255, 255]
GREY_NOTE = "Grey converted to RGB."
PALETTE_NOTE = "Palette colours converted to RGB."
WHITE_NOTE = "Transparent parts put on white."
BITS_NOTE = "16-bit values scaled to 8 bit."
CMYK_NOTE = "CMYK inks converted to RGB."
TURN_NOTE = "Rotated upright by its EXIF orientation."
PAGE_NOTE = "Only the first of several pages or frames is used."
PROFILE_NOTE = "Colours converted from the embedded profile to sRGB."


def pixels(data: bytes) -> list[Any]:
    return decode_image(data).rgb.tolist()


def refusal(data: bytes, name: str = "cells.png") -> str:
    """The message that refuses a file, checked to be one sentence."""
    with pytest.raises(UploadError) as caught:
        decode_image(data, name)
    sentence = str(caught.value)
    assert sentence.isprintable() and "Traceback" not in sentence
    assert sentence.endswith(".") and ". " not in sentence and len(sentence) < 250
    return sentence


GOOD = png(2, 1, 8, 2, bytes([0, 1, 2, 3, 4, 5, 6]))
LOSSLESS: dict[str, Callable[[Image.Image], bytes]] = {
    "PNG": lambda image: saved(image, "PNG"),
    "TIFF": lambda image: saved(image, "TIFF"),
    "TIFF, LZW": lambda image: saved(image, "TIFF", compression="tiff_lzw"),
    "BMP": lambda image: saved(image, "BMP"),
    "WEBP": lambda image: saved(image, "WEBP", lossless=True),
}
ALL = LOSSLESS | {
    "JPEG": lambda image: saved(image, "JPEG"),
    "JPEG, progressive": lambda image: saved(image, "JPEG", progressive=True),
    "TIFF, JPEG": lambda image: saved(image, "TIFF", compression="jpeg"),
    "WEBP, lossy": lambda image: saved(image, "WEBP"),
}


# Formats


@pytest.mark.parametrize("kind", LOSSLESS)
def test_lossless_format_keeps_every_pixel(kind: str) -> None:
    image = decode_image(LOSSLESS[kind](picture()))
    assert image.format == kind.split(",")[0]
    assert image.notes == ()
    assert image.rgb.dtype == np.uint8
    np.testing.assert_array_equal(image.rgb, np.asarray(picture()))


def test_jpeg_is_close_to_the_original() -> None:
    image = decode_image(saved(picture(), "JPEG", quality=100, subsampling=0))
    assert (image.format, image.notes) == ("JPEG", ())
    np.testing.assert_allclose(image.rgb.astype(int), np.asarray(picture()), atol=3)


def test_jpeg_in_tiff_is_close_to_the_original() -> None:
    image = decode_image(saved(picture(), "TIFF", compression="jpeg", quality=100))
    assert (image.format, image.notes) == ("TIFF", ())
    np.testing.assert_allclose(image.rgb.astype(int), np.asarray(picture()), atol=12)


def test_format_is_detected_by_content_not_by_name() -> None:
    data = saved(picture(), "JPEG")
    assert decode_image(data, "cells.png").format == "JPEG"
    assert decode_image(data, "cells.svg").format == "JPEG"


def test_pixels_are_read_only() -> None:
    assert not decode_image(GOOD).rgb.flags.writeable


@pytest.mark.parametrize(
    ("what", "data"),
    [
        ("is empty", b""),
        ("is a GIF image", saved(Image.new("P", (2, 2)), "GIF")),
        ("is an SVG drawing", b'<svg xmlns="http://www.w3.org/2000/svg"/>'),
        ("is an SVG drawing", b'<?xml version="1.0"?>\n<!-- by hand -->\n<svg/>'),
        ("is a web page", b"\xef\xbb\xbf\n<!DOCTYPE html><html></html>"),
        ("is a PDF document", b"%PDF-1.7\n"),
        ("is a zip archive or an office document", b"PK\x03\x04" + bytes(30)),
        ("is a HEIC photo", b"\0\0\0\x18ftypheic" + bytes(8)),
        ("is an AVIF image", b"\0\0\0\x18ftypavif" + bytes(8)),
        ("is a JPEG 2000 image", b"\0\0\0\x0cjP  \r\n\x87\n"),
        ("is an icon", b"\0\0\x01\0\x01\0"),
        ("is a DICOM file", bytes(128) + b"DICM"),
        ("is not a PNG, JPEG, TIFF, BMP or WebP image", b"case,x,y\n1,2,3\n"),
        ("is not a PNG, JPEG, TIFF, BMP or WebP image", random.Random(1).randbytes(5000)),
        ("is not a PNG, JPEG, TIFF, BMP or WebP image", bytes(5000)),
        ("is not a PNG, JPEG, TIFF, BMP or WebP image", b"\n" + GOOD),
        ("is not a PNG, JPEG, TIFF, BMP or WebP image", saved(Image.new("RGB", (2, 2)), "PPM")),
    ],
)
def test_other_file_is_refused_with_its_type(what: str, data: bytes) -> None:
    assert refusal(data).startswith(f"cells.png {what}")


@pytest.mark.parametrize(
    "start", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0+", b"BM", b"RIFF\0\0\0\0WEBP"]
)
def test_start_of_an_image_without_the_rest_is_refused(start: bytes) -> None:
    assert "is damaged" in refusal(start)
    assert "is damaged" in refusal(start + random.Random(2).randbytes(300))


def test_bytes_after_the_image_are_ignored() -> None:
    assert pixels(GOOD + b"PK\x03\x04 a zip, a script, anything") == [[[1, 2, 3], [4, 5, 6]]]


# Conversions


def test_grey_becomes_rgb() -> None:
    image = decode_image(png(2, 1, 8, 0, bytes([0, 7, 200])))
    assert image.rgb.tolist() == [[[7] * 3, [200] * 3]]
    assert image.notes == (GREY_NOTE,)


def test_two_and_four_bit_grey_fill_the_range() -> None:
    assert pixels(png(4, 1, 2, 0, b"\0\x1b")) == [[[0] * 3, [85] * 3, [170] * 3, WHITE]]
    assert pixels(png(2, 1, 4, 0, b"\0\x3f")) == [[[51] * 3, WHITE]]


def test_black_and_white_becomes_rgb() -> None:
    image = decode_image(png(2, 1, 1, 0, b"\0\x40"))
    assert image.rgb.tolist() == [[[0, 0, 0], WHITE]]
    assert image.notes == ("Black and white converted to RGB.",)


def test_palette_becomes_rgb() -> None:
    data = png(2, 1, 8, 3, b"\0\x01\0", chunk(b"PLTE", bytes([9, 8, 7, 1, 2, 3])))
    assert pixels(data) == [[[1, 2, 3], [9, 8, 7]]]
    assert decode_image(data).notes == (PALETTE_NOTE,)


def test_transparent_palette_is_put_on_white() -> None:
    palette, alphas = chunk(b"PLTE", bytes([255, 0, 0] * 3)), chunk(b"tRNS", b"\0\x80")
    image = decode_image(png(3, 1, 8, 3, b"\0\0\x01\x02", palette, alphas))
    assert image.rgb.tolist() == [[WHITE, [255, 127, 127], [255, 0, 0]]]
    assert image.notes == (PALETTE_NOTE, WHITE_NOTE)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_half_transparent_red_is_pink_on_white(kind: str) -> None:
    image = decode_image(LOSSLESS[kind](Image.new("RGBA", (1, 1), (255, 0, 0, 128))))
    assert image.rgb.tolist() == [[[255, 127, 127]]]
    assert image.notes == (WHITE_NOTE,)


def test_opaque_alpha_changes_nothing() -> None:
    image = decode_image(png(1, 1, 8, 6, bytes([0, 1, 2, 3, 255])))
    assert image.rgb.tolist() == [[[1, 2, 3]]]
    assert image.notes == ()


def test_premultiplied_alpha_is_not_darkened_twice() -> None:
    data = tiff(1, 1, bytes([128, 0, 0, 128]), t258=(8,) * 4, t262=(2,), t277=(4,), t338=(1,))
    assert pixels(data) == [[[255, 127, 127]]]


def test_grey_with_alpha_is_put_on_white() -> None:
    image = decode_image(png(2, 1, 8, 4, bytes([0, 0, 128, 5, 0])))
    assert image.rgb.tolist() == [[[127] * 3, WHITE]]
    assert image.notes == (GREY_NOTE, WHITE_NOTE)


@pytest.mark.parametrize(
    ("bits", "row", "key"),
    [
        (1, b"\x40", 1),
        (2, b"\x10", 1),
        (4, b"\x03", 3),
        (8, b"\0\x09", 9),
        (16, b"\0\0\x80\0", 2**15),
    ],
)
def test_transparent_grey_key_becomes_white(bits: int, row: bytes, key: int) -> None:
    data = png(2, 1, bits, 0, b"\0" + row, chunk(b"tRNS", struct.pack(">H", key)))
    assert pixels(data) == [[[0, 0, 0], WHITE]]


def test_transparent_rgb_key_becomes_white() -> None:
    key = chunk(b"tRNS", struct.pack(">HHH", 1, 2, 3))
    assert pixels(png(2, 1, 8, 2, bytes([0, 1, 2, 3, 1, 2, 4]), key)) == [[WHITE, [1, 2, 4]]]


SIXTEEN_BIT = {0: 0, 128: 0, 129: 1, 0x0101: 1, 0x8000: 128, 0xFEFE: 254, 0xFFFF: 255}


def test_sixteen_bit_grey_png_is_scaled_not_clipped() -> None:
    image = decode_image(png(7, 1, 16, 0, b"\0" + struct.pack(">7H", *SIXTEEN_BIT)))
    assert image.rgb.tolist() == [[[grey] * 3 for grey in SIXTEEN_BIT.values()]]
    assert image.notes == (BITS_NOTE, GREY_NOTE)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate"])
def test_sixteen_bit_grey_tiff_is_scaled_not_clipped(compression: str) -> None:
    grey = Image.fromarray(np.array([list(SIXTEEN_BIT)], np.uint16))
    image = decode_image(saved(grey, "TIFF", compression=compression))
    assert image.rgb.tolist() == [[[grey] * 3 for grey in SIXTEEN_BIT.values()]]
    assert image.notes == (BITS_NOTE, GREY_NOTE)


@pytest.mark.parametrize(("bits", "row"), [(8, b"\0\x40"), (16, b"\0\0\0\x40")])
def test_tiff_whose_zero_is_white_is_inverted(bits: int, row: bytes) -> None:
    assert pixels(tiff(2, 1, row, t258=(bits,), t262=(0,))) == [[WHITE, [191] * 3]]


def test_sixteen_bit_rgb_and_alpha_are_scaled() -> None:
    rgb = decode_image(png(1, 1, 16, 2, b"\0" + struct.pack(">3H", 0, 0x8000, 0xFFFF)))
    assert rgb.rgb.tolist() == [[[0, 128, 255]]]
    assert rgb.notes == (BITS_NOTE,)
    rgba = decode_image(png(1, 1, 16, 6, b"\0" + struct.pack(">4H", 0xFFFF, 0, 0, 0x8080)))
    assert rgba.rgb.tolist() == [[[255, 127, 127]]]
    assert rgba.notes == (BITS_NOTE, WHITE_NOTE)
    grey = decode_image(png(1, 1, 16, 4, b"\0" + struct.pack(">2H", 0, 0x8080)))
    assert grey.rgb.tolist() == [[[127] * 3]]
    assert grey.notes == (BITS_NOTE, GREY_NOTE, WHITE_NOTE)


def test_twelve_bit_tiff_fills_the_range() -> None:
    image = decode_image(tiff(2, 1, b"\x00\x0f\xff", t258=(12,), t262=(1,)))
    assert image.rgb.tolist() == [[[0] * 3, WHITE]]
    assert image.notes == ("12-bit values scaled to 8 bit.", GREY_NOTE)


@pytest.mark.parametrize(
    ("bits", "sample_format", "pixel"),
    [
        (32, 3, struct.pack("<f", 0.5)),
        (32, 1, bytes(4)),
        (32, 2, bytes(4)),
        (16, 2, bytes(2)),
        (8, 2, b"\0"),
    ],
)
def test_values_of_unknown_range_are_refused(bits: int, sample_format: int, pixel: bytes) -> None:
    data = tiff(1, 1, pixel, t258=(bits,), t262=(1,), t339=(sample_format,))
    assert "32-bit, signed or floating-point" in refusal(data)


def test_lab_tiff_is_refused() -> None:
    data = tiff(1, 1, bytes(3), t258=(8,) * 3, t262=(8,), t277=(3,))
    assert "unsupported pixel format" in refusal(data)


# Ink: Pillow keeps CMYK with 255 as full ink and writes JPEG the other way round, as Adobe does.
INKS = {(0, 0, 0, 0): WHITE, (0, 0, 0, 255): [0, 0, 0], (0, 255, 255, 0): [255, 0, 0]}


@pytest.mark.parametrize("inks", INKS)
@pytest.mark.parametrize("format_", ["JPEG", "TIFF"])
def test_cmyk_becomes_rgb(inks: tuple[int, ...], format_: str) -> None:
    image = decode_image(saved(Image.new("CMYK", (8, 8), inks), format_))
    np.testing.assert_allclose(image.rgb.reshape(-1, 3).astype(int), [INKS[inks]] * 64, atol=2)
    assert image.notes == (CMYK_NOTE,)


def test_ycck_jpeg_becomes_rgb() -> None:
    # Inverted inks are stored as they are; marked as YCCK, the first three are Y, Cb, Cr.
    stored = (76, 85, 255, 255)  # pure red in YCbCr, no black
    data = saved(
        Image.new("CMYK", (8, 8), tuple(255 - value for value in stored)), "JPEG", quality=100
    )
    at = data.index(b"Adobe") + 11  # the transform byte
    assert data[at] == 0
    image = decode_image(data[:at] + b"\x02" + data[at + 1 :])
    # YCCK holds C = 255 - R and so on, inverted once more by Adobe's convention.
    np.testing.assert_allclose(image.rgb.reshape(-1, 3).astype(int), [[0, 255, 255]] * 64, atol=3)


ORIENTATIONS = {
    1: [[1, 2, 3], [4, 5, 6]],
    2: [[3, 2, 1], [6, 5, 4]],
    3: [[6, 5, 4], [3, 2, 1]],
    4: [[4, 5, 6], [1, 2, 3]],
    5: [[1, 4], [2, 5], [3, 6]],
    6: [[4, 1], [5, 2], [6, 3]],
    7: [[6, 3], [5, 2], [4, 1]],
    8: [[3, 6], [2, 5], [1, 4]],
}


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[274] = orientation
    return tags


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "TIFF, LZW", "WEBP", "JPEG"])
@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_image_is_rotated_upright(kind: str, orientation: int) -> None:
    cells = np.array(ORIENTATIONS[1], np.uint8) * 40
    blocks = Image.fromarray(np.kron(cells, np.ones((8, 8), np.uint8))).convert("RGB")
    options: dict[str, Any] = {"WEBP": {"lossless": True}, "TIFF, LZW": {"compression": "tiff_lzw"}}
    data = saved(blocks, kind.split(",")[0], exif=exif(orientation), **options.get(kind, {}))
    image = decode_image(data)
    expected = np.array(ORIENTATIONS[orientation]) * 40
    np.testing.assert_allclose(image.rgb[4::8, 4::8, 0].astype(int), expected, atol=2)
    assert image.rgb.shape == (8 * expected.shape[0], 8 * expected.shape[1], 3)
    assert image.notes == (() if orientation == 1 else (TURN_NOTE,))


def test_damaged_exif_changes_no_pixel() -> None:
    image = decode_image(saved(picture(), "WEBP", lossless=True, exif=b"Exif\0\0II*\0rubbish"))
    np.testing.assert_array_equal(image.rgb, np.asarray(picture()))
    assert image.notes == ("Damaged EXIF data ignored.",)


# The header


def test_header_has_format_and_upright_size_without_pixels() -> None:
    assert image_header(one_bit_png(9_000, 11)) == ImageHeader("PNG", 11, 9_000, None)
    turned = saved(picture(24, 32), "JPEG", exif=exif(6))
    assert image_header(turned) == ImageHeader("JPEG", 32, 24, None)
    assert decode_image(turned).rgb.shape == (32, 24, 3)


def test_header_of_a_bomb_or_another_file_is_refused() -> None:
    with pytest.raises(UploadError, match="would expand"):
        image_header(one_bit_png(9_000, 9_000))
    with pytest.raises(UploadError, match="is a PDF document"):
        image_header(b"%PDF-1.7")


@pytest.mark.parametrize(
    ("dots_per_inch", "mpp_um"),
    [(101_600, 0.25), (6_350, 4.0), (72, None), (300, None), (10**9, None), (0, None)],
)
def test_plausible_scale_is_read_from_a_tiff(dots_per_inch: int, mpp_um: float | None) -> None:
    data = saved(picture(), "TIFF", dpi=(dots_per_inch, dots_per_inch))
    assert image_header(data).mpp_um == pytest.approx(mpp_um)
    assert decode_image(data).mpp_um == pytest.approx(mpp_um)


def test_scale_per_centimetre_is_read_unless_pixels_are_not_square() -> None:
    centimetre = saved(picture(), "TIFF", resolution_unit="cm", resolution=20_000)
    assert image_header(centimetre).mpp_um == pytest.approx(0.5)
    assert image_header(saved(picture(), "TIFF", dpi=(6_350, 12_700))).mpp_um is None


# Colour profiles


def profile(kind: str) -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile(kind)).tobytes()


def swapped_profile() -> bytes:
    """sRGB with its red and blue primaries swapped, so that the right answer is known."""
    data = profile("sRGB")
    return data.replace(b"rXYZ", b"tmp?").replace(b"bXYZ", b"rXYZ").replace(b"tmp?", b"bXYZ")


def test_embedded_profile_is_applied() -> None:
    image = decode_image(
        saved(Image.new("RGB", (1, 1), (200, 100, 50)), "PNG", icc_profile=swapped_profile())
    )
    np.testing.assert_allclose(image.rgb.astype(int), [[[50, 100, 200]]], atol=1)
    assert image.notes == (PROFILE_NOTE,)


def test_srgb_profile_changes_nothing() -> None:
    image = decode_image(saved(picture(), "PNG", icc_profile=profile("sRGB")))
    np.testing.assert_array_equal(image.rgb, np.asarray(picture()))
    assert image.notes == ()


@pytest.mark.parametrize("broken", [b"rubbish", profile("sRGB")[:300], profile("LAB")])
def test_unusable_profile_is_ignored(broken: bytes) -> None:
    image = decode_image(saved(picture(), "PNG", icc_profile=broken))
    np.testing.assert_array_equal(image.rgb, np.asarray(picture()))
    assert image.notes == ("Unusable colour profile ignored.",)


def test_profile_of_a_grey_image_is_applied() -> None:
    image = decode_image(saved(Image.new("L", (1, 1), 90), "PNG", icc_profile=swapped_profile()))
    np.testing.assert_allclose(image.rgb.astype(int), [[[90] * 3]], atol=1)


# Pages and frames


@pytest.mark.parametrize(
    ("format_", "options"), [("TIFF", {}), ("PNG", {}), ("WEBP", {"lossless": True})]
)
def test_first_of_several_pages_is_used(format_: str, options: dict[str, Any]) -> None:
    first, second = Image.new("RGB", (2, 2), (1, 2, 3)), Image.new("RGB", (2, 2), (9, 9, 9))
    image = decode_image(saved(first, format_, save_all=True, append_images=[second], **options))
    assert image.rgb.tolist() == [[[1, 2, 3]] * 2] * 2
    assert image.notes == (PAGE_NOTE,)


def test_first_image_of_a_phone_jpeg_is_used() -> None:
    first, second = Image.new("RGB", (8, 8), (50, 50, 50)), Image.new("RGB", (4, 4))
    image = decode_image(saved(first, "MPO", save_all=True, append_images=[second]))
    assert image.rgb.tolist() == [[[50, 50, 50]] * 8] * 8
    assert (image.format, image.notes) == ("JPEG", (PAGE_NOTE,))


# Limits


def test_file_over_the_size_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idc.uploads.gate.MAX_FILE_BYTES", 10**6)
    assert "is larger than 1 MB" in refusal(GOOD.ljust(10**6 + 1, b"\0"))
    assert pixels(GOOD.ljust(10**6, b"\0")) == [[[1, 2, 3], [4, 5, 6]]]


def test_large_file_with_few_pixels_gets_the_larger_limits(gate: Gate) -> None:
    assert MAX_FILE_BYTES > MAX_STANDARD_BYTES
    image = gate.decode(GOOD.ljust(MAX_STANDARD_BYTES + 1, b"\0"), "padded")
    assert image.rgb.tolist() == [[[1, 2, 3], [4, 5, 6]]]
    assert gate.standard.idle_children[-1].pid() is None


def padded(data: bytes, pixels: int) -> bytes:
    """A file large enough for its number of pixels."""
    return data.ljust(3 * pixels // 200 + 1, b"\0")


def test_image_at_the_pixel_limit_passes_and_one_row_more_fails() -> None:
    assert decode_image(one_bit_png(4000, 4000)).rgb.shape == (4000, 4000, 3)
    side = math.isqrt(MAX_PIXELS)
    assert "has more than 100000000 pixels" in refusal(
        padded(one_bit_png(side, side + 1), MAX_PIXELS)
    )


def test_region_of_8000_pixels_per_side_passes() -> None:
    rows = np.zeros((8_000, 1 + 8_000), np.uint8)
    rows[1::2, 1:] = 7
    image = decode_image(padded(png(8_000, 8_000, 8, 0, rows.tobytes()), 64 * 10**6), "region.png")
    assert image.rgb.shape == (8_000, 8_000, 3)
    assert not image.rgb.flags.writeable
    np.testing.assert_array_equal(image.rgb[:, :, 1], rows[:, 1:])


@pytest.mark.parametrize("side", [4_001, 8_000, 10_000])
def test_large_image_of_few_bytes_is_refused(side: int) -> None:
    assert "would expand to more than 200 times its size" in refusal(one_bit_png(side, side))


def test_large_image_uses_a_fresh_process_each_time(gate: Gate) -> None:
    large = padded(one_bit_png(4_001, 4_000), 4_001 * 4_000)
    assert gate.decode(large, "large").rgb.shape == (4_000, 4_001, 3)
    first = gate.large.idle_children[-1].pid()
    assert gate.decode(large, "large").rgb.shape == (4_000, 4_001, 3)
    assert gate.large.idle_children[-1].pid() != first


def test_side_over_the_limit_is_refused() -> None:
    assert decode_image(one_bit_png(MAX_SIDE_PX, 1)).rgb.shape == (1, MAX_SIDE_PX, 3)
    assert "a side of more than 16384" in refusal(one_bit_png(1, MAX_SIDE_PX + 1))


def test_image_larger_than_a_patch_is_refused_if_only_patches_are_accepted() -> None:
    assert decode_image(one_bit_png(400, 300), patch_side_px=400).rgb.shape == (300, 400, 3)
    with pytest.raises(
        UploadError, match=r"^region.png is 401 x 300 px, which is larger than a patch; "
    ):
        decode_image(one_bit_png(401, 300), "region.png", patch_side_px=400)


def test_jpeg_with_hundreds_of_scans_is_refused() -> None:
    data = saved(picture(), "JPEG", progressive=True)
    at = data.rindex(b"\xff\xda")
    bomb = data[:at] + 100 * data[at:-2] + b"\xff\xd9"
    assert "too many progressive scans" in refusal(bomb)


def test_standard_time_limit_is_below_five_seconds() -> None:
    assert STANDARD_LIMITS.time_s < 5
    assert Gate().standard.limits == STANDARD_LIMITS and Gate().large.limits == LARGE_LIMITS


@pytest.mark.parametrize(
    "bomb",
    [
        one_bit_png(30_000, 30_000),
        png(30_000, 30_000, 8, 2, bytes(10**6)),
        tiff(60_000, 60_000, bytes(9), t258=(8,) * 3, t262=(2,), t277=(3,)),
        tiff(60_000, 60_000, bytes(9), t258=(8,), t262=(1,), t259=(5,)),
        jpeg_declaring(65_000, 65_000),
        bmp_declaring(30_000, 30_000),
        webp_declaring(16_000, 16_000),
    ],
)
def test_bomb_is_refused_by_its_declared_size(bomb: bytes) -> None:
    assert re.search("has more than 100000000 pixels|expand to more than 200 times", refusal(bomb))


def test_profile_that_expands_to_megabytes_is_refused() -> None:
    bomb = chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(2**24)))
    assert "is damaged" in refusal(png(1, 1, 8, 0, b"\0\x05", bomb))


# Damage


@pytest.mark.parametrize("kind", ALL)
def test_truncated_file_is_refused(kind: str) -> None:
    data = ALL[kind](picture())
    for length in {len(data) - 1, len(data) - 2, *range(40, len(data), len(data) // 12)}:
        assert "is damaged" in refusal(data[:length])


@pytest.mark.parametrize("held", [0, 1, 150, 151 * 49, 151 * 50 - 1])
def test_png_with_fewer_pixels_than_declared_is_refused(held: int) -> None:
    assert "is damaged" in refusal(png(50, 50, 8, 2, bytes(held)))


def test_png_with_more_pixels_than_declared_has_the_declared_size() -> None:
    assert pixels(png(2, 1, 8, 0, b"\0\1\2" + bytes(10**6))) == [[[1] * 3, [2] * 3]]


def test_incomplete_interlaced_png_is_refused() -> None:
    passes = b"\0\1" + b"\0\2" + b"\0\3\4"  # the first, sixth and seventh of a 2 x 2 image
    header = struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 1)
    for rows, whole in ((passes, True), (passes[:-1], False)):
        parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
        data = b"\x89PNG\r\n\x1a\n" + b"".join(parts)
        if whole:
            assert pixels(data) == [[[1] * 3, [2] * 3], [[3] * 3, [4] * 3]]
        else:
            assert "is damaged" in refusal(data)


RAW, DEFLATE = 1, 8  # TIFF compressions


@pytest.mark.parametrize("compression", [RAW, DEFLATE])
@pytest.mark.parametrize(
    ("rows_held", "rows_per_strip", "whole"), [(2, 2, True), (1, 2, False), (1, 1, False)]
)
def test_tiff_with_missing_rows_is_refused(
    compression: int, rows_held: int, rows_per_strip: int, whole: bool
) -> None:
    rows = bytes([1, 2, 3, 4])[: 2 * rows_held]
    held = zlib.compress(rows) if compression == DEFLATE else rows
    data = tiff(2, 2, held, t258=(8,), t262=(1,), t259=(compression,), t278=(rows_per_strip,))
    if whole:
        assert pixels(data) == [[[1] * 3, [2] * 3], [[3] * 3, [4] * 3]]
    else:
        assert "is damaged" in refusal(data)


def test_every_flipped_byte_of_a_png_is_detected() -> None:
    data = saved(Image.new("RGB", (2, 2), (1, 2, 3)), "PNG", compress_level=0)
    for at in range(len(data)):
        refusal(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])


def test_hundreds_of_malformed_files_are_decoded_or_refused() -> None:
    rng = random.Random(20260501)
    outcomes = {"decoded": 0, "refused": 0}
    for kind, save in ALL.items():
        good = save(picture())
        for _ in range(25):
            bad = bytearray(good)
            for _ in range(rng.choice([1, 2, 8])):
                # Half of the hits fall into the header, where they do most.
                bad[rng.randrange(rng.choice([min(200, len(bad)), len(bad)]))] = rng.randrange(256)
            if rng.random() < 0.3:
                del bad[rng.randrange(len(bad)) :]
            try:
                image = decode_image(bytes(bad), kind)
            except UploadError as error:
                outcomes["refused"] += 1
                assert str(error).isprintable() and str(error).endswith(".")
            else:
                outcomes["decoded"] += 1
                assert image.rgb.ndim == 3 and image.rgb.shape[2] == 3 and image.rgb.size > 0
    assert sum(outcomes.values()) == 225 and min(outcomes.values()) > 20
    assert pixels(GOOD) == [[[1, 2, 3], [4, 5, 6]]]


# Messages


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("cells.png", "cells.png"),
        ("C:\\Users\\me\\cells.png", "cells.png"),
        ("../../etc/passwd", "passwd"),
        ("a\nb\x1b[31m\u202egnp.exe", "ab31mgnp.exe"),
        ("![x](http:/y) `z`", "y) z"),
        ("Zelle ä 細胞 (2).png", "Zelle ä 細胞 (2).png"),
        ("x" * 300 + ".png", "x" * 40 + "…" + "x" * 11 + ".png"),
        ("", "The file"),
        ("\n", "The file"),
    ],
)
def test_message_begins_with_a_printable_name(name: str, shown: str) -> None:
    assert refusal(b"", name) == f"{shown} is empty; choose another file."


def test_message_states_a_remedy() -> None:
    assert refusal(b"GIF89a") == (
        "cells.png is a GIF image, which cannot be read here; "
        "save it as PNG, JPEG, TIFF, BMP or WebP and try again."
    )


# Decoder processes


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.close()


def pid_of(gate: Gate) -> int:
    gate.decode(GOOD, "good")
    pid = gate.standard.idle_children[-1].pid()
    assert pid is not None
    return pid


def test_decoder_process_is_reused(gate: Gate) -> None:
    assert pid_of(gate) == pid_of(gate)


def test_decoder_process_survives_a_refusal(gate: Gate) -> None:
    pid = pid_of(gate)
    with pytest.raises(UploadError):
        gate.decode(GOOD[:-20], "cut")
    assert pid_of(gate) == pid


def test_decoder_process_is_replaced_after_its_last_image() -> None:
    gate = Gate(images_per_child=2)
    pids = [pid_of(gate) for _ in range(3)]
    gate.close()
    assert pids[0] == pids[1] != pids[2]


def test_next_image_is_decoded_after_a_killed_process(gate: Gate) -> None:
    pid = pid_of(gate)
    os.kill(pid, signal.SIGKILL)
    assert gate.decode(GOOD, "good").rgb.tolist() == [[[1, 2, 3], [4, 5, 6]]]
    assert gate.standard.idle_children[-1].pid() != pid


def test_hung_decoder_causes_one_refusal() -> None:
    gate = Gate(standard=replace(STANDARD_LIMITS, time_s=2.0))
    os.kill(pid_of(gate), signal.SIGSTOP)
    with pytest.raises(UploadTimeout, match=r"^good takes longer than 2 s to read; .*\.$"):
        gate.decode(GOOD, "good")
    assert gate.decode(GOOD, "good").format == "PNG"
    gate.close()


def test_hung_file_does_not_block_others() -> None:
    gate = Gate(standard=replace(STANDARD_LIMITS, time_s=60.0), decoders=2)
    stopped = pid_of(gate)
    os.kill(stopped, signal.SIGSTOP)
    hung = threading.Thread(target=refused_or_not, args=(gate,))
    hung.start()
    wait_until(lambda: len(gate.standard.idle_children) == 1, "the hung file has its decoder")
    for _ in range(5):
        assert gate.decode(GOOD, "good").format == "PNG"
    assert hung.is_alive()
    os.kill(stopped, signal.SIGKILL)
    hung.join()
    gate.close()


def refused_or_not(gate: Gate) -> None:
    with contextlib.suppress(UploadError):
        gate.decode(GOOD, "hung")


def test_file_is_refused_after_queueing_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("idc.uploads.decoder_pool.MAX_WAIT_S", 0.01)
    monkeypatch.setattr("idc.uploads.decoder_pool.MAX_QUEUED_AHEAD", 0)
    gate = Gate(decoders=1)
    with (
        gate.standard.semaphore,
        pytest.raises(UploadError, match="was not read because the server is busy"),
    ):
        gate.decode(GOOD, "good")
    gate.close()


def test_queue_timeout_exceeds_two_slow_files() -> None:
    gate = Gate()
    for pool in (gate.standard, gate.large):
        assert pool.semaphore.acquire_timeout_s > 2 * pool.limits.time_s


def test_image_over_the_memory_limit_causes_one_refusal() -> None:
    gate = Gate(standard=replace(STANDARD_LIMITS, memory_bytes=60 * 2**20))
    with pytest.raises(UploadError, match=r"^large needs too much memory to read; .*\.$"):
        gate.decode(one_bit_png(4000, 4000), "large")
    assert gate.decode(GOOD, "good").format == "PNG"
    gate.close()


def test_decoder_that_cannot_start_causes_one_refusal(gate: Gate) -> None:
    gate.standard.idle_children[-1] = Child("tests.no_such_child")
    with pytest.raises(UploadError, match=r"^good could not be read safely; .*\.$"):
        gate.decode(GOOD, "good")


@pytest.mark.parametrize(
    ("header", "block"),
    [
        ({}, b""),
        ({"ok": True}, b""),
        ({"ok": True, "height": 1, "width": 1, "notes": []}, b"12"),
        ({"ok": True, "height": -1, "width": -1, "notes": []}, b"123"),
        ({"ok": True, "height": 0, "width": 5, "notes": []}, b""),
        ({"ok": True, "height": "1", "width": 1, "notes": []}, b"123"),
        ({"ok": True, "height": 1, "width": 1, "notes": "no list"}, b"123"),
        ({"ok": True, "height": 10**6, "width": 1, "notes": []}, bytes(3 * 10**6)),
        ({"ok": False, "reason": "a\nb" * 1000}, b""),
        ({"ok": False}, b""),
        ({"ok": True, "height": 1, "width": 1, "notes": [], "um_per_px": "4"}, b"123"),
        ({"ok": True, "height": True, "width": 1, "notes": []}, b"123"),
    ],
)
def test_invalid_answer_of_a_decoder_is_rejected(
    gate: Gate, monkeypatch: pytest.MonkeyPatch, header: dict[str, Any], block: bytes
) -> None:
    monkeypatch.setattr(gate.standard.idle_children[-1], "ask", lambda *_, **__: (header, block))
    with pytest.raises(UploadError) as caught:
        gate.decode(GOOD, "good")
    assert str(caught.value).isprintable() and len(str(caught.value)) < 250


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_decoder_cannot_write_files_or_dump_core(gate: Gate) -> None:
    limits = Path(f"/proc/{pid_of(gate)}/limits").read_text()
    found = {line[:26].strip(): line[26:].split()[:2] for line in limits.splitlines()[1:]}
    assert found["Max file size"] == ["0", "0"]
    assert found["Max core file size"] == ["0", "0"]
    assert found["Max processes"] == ["0", "0"]
    assert found["Max open files"] == ["32", "32"]
    assert found["Max address space"] == [str(STANDARD_LIMITS.memory_bytes)] * 2


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_decoder_does_not_inherit_secrets(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_KEY", "secret")
    assert b"KAGGLE_KEY" not in Path(f"/proc/{pid_of(gate)}/environ").read_bytes()


def test_decoder_imports_few_modules() -> None:
    code = "import json, sys, idc.uploads.decoder_worker; print(json.dumps(list(sys.modules)))"
    modules = set(json.loads(subprocess.check_output([sys.executable, "-c", code])))
    assert modules.isdisjoint({"numpy", "cv2", "tensorflow", "streamlit", "PIL.AvifImagePlugin"})


def test_no_file_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gate: Gate) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    for save in ALL.values():
        gate.decode(save(picture()), "good")
    assert list(tmp_path.iterdir()) == []


def test_concurrent_requests_get_their_own_images() -> None:
    wrong: list[int] = []

    def visit(grey: int) -> None:
        data = png(1, 1, 8, 0, bytes([0, grey]))
        for _ in range(20):
            if pixels(data) != [[[grey] * 3]]:
                wrong.append(grey)

    threads = [threading.Thread(target=visit, args=(grey,)) for grey in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_warm_gate_starts_the_process_that_decodes(
    monkeypatch: pytest.MonkeyPatch, gate: Gate
) -> None:
    monkeypatch.setattr("idc.uploads.gate._gate", gate)
    warm_gate()
    pid = gate.standard.idle_children[-1].pid()
    assert pid is not None
    assert isinstance(decode_image(GOOD), DecodedImage)
    assert gate.standard.idle_children[-1].pid() == pid
