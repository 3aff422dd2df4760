"""idc.uploads.pixel_conversion: every pixel format becomes 8-bit RGB, with notes."""

import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from idc.uploads.gate import (
    decode_image,
)
from tests.support.gate_files import LOSSLESS, exif, pixels, refusal
from tests.support.made_files import (
    chunk,
    picture,
    png,
    saved,
    tiff,
)

WHITE = [255, 255, 255]
GREY_NOTE = "Grey converted to RGB."
PALETTE_NOTE = "Palette colours converted to RGB."
WHITE_NOTE = "Transparent parts put on white."
BITS_NOTE = "16-bit values scaled to 8 bit."
CMYK_NOTE = "CMYK inks converted to RGB."
TURN_NOTE = "Rotated upright by its EXIF orientation."
PAGE_NOTE = "Only the first of several pages or frames is used."
PROFILE_NOTE = "Colours converted from the embedded profile to sRGB."


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
