"""idc.uploads.decoder_worker: limits on size, and damaged files."""

import math
import random
import re
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from idc.errors import UploadError
from idc.uploads.decoder_pool import (
    LARGE_LIMITS,
    MAX_PIXELS,
    MAX_SIDE_PX,
    MAX_STANDARD_BYTES,
    STANDARD_LIMITS,
)
from idc.uploads.gate import (
    MAX_FILE_BYTES,
    Gate,
    decode_image,
)
from tests.support.gate_files import ALL, GOOD, pixels, refusal
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
    sentence = refusal(padded(one_bit_png(side, side + 1), MAX_PIXELS))
    assert "has more than 100 million pixels" in sentence
    assert "; predict it as a whole slide, made by `vips tiffsave IN OUT --tile" in sentence


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
    assert "a side of more than 16,384" in refusal(one_bit_png(1, MAX_SIDE_PX + 1))


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
    assert re.search(
        "has more than 100 million pixels|expand to more than 200 times", refusal(bomb)
    )


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
