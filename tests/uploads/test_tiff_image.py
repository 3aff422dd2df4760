"""idc.uploads.tiff_image: tags that change pixels, and hostile or damaged directories."""

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from idc.uploads.gate import decode_image, image_header
from tests.support.gate_files import pixels, refusal
from tests.support.made_files import saved, tiff

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"
RGB = np.arange(12 * 10 * 3, dtype=np.uint8).reshape(12, 10, 3)


def written(image: np.ndarray, **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, image, metadata=None, **options)
    return file.getvalue()


def with_tag(data: bytes, code: int, value: int) -> bytes:
    """Overwrite the first value of a tag, 32 bit."""
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        at = file.pages.first.tags[code].valueoffset
    return data[:at] + struct.pack("<I", value) + data[at + 4 :]


@pytest.mark.parametrize("kind", ["B", "H", "I"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_orientation_counts_whatever_its_type(kind: str, byteorder: str) -> None:
    tags = [(274, kind, 1, 6, True)]
    data = written(np.rot90(RGB), photometric="rgb", byteorder=byteorder, extratags=tags)

    assert np.array_equal(decode_image(data).rgb, RGB)
    header = image_header(data)
    assert (header.height, header.width) == (12, 10)


@pytest.mark.parametrize("compression", ["tiff_ccitt", "group3", "group4"])
def test_fax_compressions_equal_their_source(compression: str) -> None:
    source = RGB[..., 0] % 7 > 3
    data = saved(Image.fromarray(source), "TIFF", compression=compression)

    assert np.array_equal(decode_image(data).rgb[..., 0], 255 * source)


def test_subsampled_chroma_outside_jpeg_is_read() -> None:
    data = tiff(
        2, 2, bytes([10, 20, 30, 40, 128, 128]), t258=(8,) * 3, t262=(6,), t277=(3,), t530=(2, 2)
    )

    assert pixels(data) == [[[10] * 3, [20] * 3], [[30] * 3, [40] * 3]]


def test_bits_in_reverse_order_are_read() -> None:
    assert pixels(tiff(2, 1, b"\x80\x01", t258=(8,), t262=(1,), t266=(2,))) == [
        [[1] * 3, [128] * 3]
    ]


@pytest.mark.parametrize(
    ("feature", "tags"),
    [
        ("does not state its photometric interpretation", {"t258": (8,)}),
        ("different bit depths (5, 6, 5)", {"t258": (5, 6, 5), "t262": (2,), "t277": (3,)}),
        ("a transparency mask", {"t258": (8,), "t262": (4,)}),
        ("colour filter array", {"t258": (8,), "t262": (32803,)}),
        ("photometric interpretation 999", {"t258": (8,), "t262": (999,)}),
        ("L*a*b*", {"t258": (8,) * 3, "t262": (8,), "t277": (3,)}),
        ("compressed as number 999", {"t258": (8,), "t262": (1,), "t259": (999,)}),
        ("compressed as LERC", {"t258": (8,), "t262": (1,), "t259": (34887,)}),
        ("24-bit values", {"t258": (24,), "t262": (1,)}),
        ("inks other than CMYK", {"t258": (8,) * 4, "t262": (5,), "t277": (4,), "t332": (2,)}),
        ("predictor 2 with no compression", {"t258": (8,), "t262": (1,), "t317": (2,)}),
        ("colour map of another length", {"t258": (8,), "t262": (3,)}),
        (
            "tiles of 60000 x 60000",
            {"t258": (8,), "t262": (1,), "t322": (60000,), "t323": (60000,)},
        ),
        ("2 samples per pixel", {"t258": (8,) * 2, "t262": (2,), "t277": (2,)}),
        ("5 channels", {"t258": (8,) * 5, "t262": (1,), "t277": (5,)}),
        ("old-style JPEG", {"t258": (8,), "t262": (1,), "t259": (6,)}),
    ],
)
def test_unsupported_feature_is_named(feature: str, tags: dict[str, tuple[int, ...]]) -> None:
    sentence = refusal(tiff(2, 1, bytes(64) + b"\xff\xd9", **tags))

    assert feature in sentence and "damaged" not in sentence


STRIPS = written(RGB, photometric="rgb", rowsperstrip=4)


@pytest.mark.parametrize(
    "data",
    [
        with_tag(STRIPS, 279, 5 | 120 << 16),  # two counts of 16 bit: the first strip is too short
        with_tag(STRIPS, 273, 2**31),  # begins behind the file
        tiff(2, 2, b"1234", t258=(8,), t262=(1,), t278=(1,)),  # one strip of two
        tiff(2, 2, b"1234", t258=(8,), t262=(1,), t278=(0,)),  # no rows in a strip
        tiff(2, 2, b"1234", t258=(8,), t262=(1,), t256=(0,)),
        STRIPS[:-1],
    ],
)
def test_incomplete_strips_are_called_damaged(data: bytes) -> None:
    assert "is damaged" in refusal(data)


def test_strips_without_data_are_named() -> None:
    assert "strips or tiles without data" in refusal(with_tag(STRIPS, 273, 0))


CHANNELS = np.moveaxis(RGB, 2, 0)


def stack(image: np.ndarray, **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, image, photometric="minisblack", **options)
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        stack(CHANNELS, imagej=True, metadata={"axes": "CYX"}),
        stack(CHANNELS, imagej=True, metadata={"axes": "CYX"}, truncate=True),
        stack(CHANNELS.astype(np.uint16) * 257, imagej=True, metadata={"axes": "CYX"}),
        stack(np.stack([CHANNELS] * 2), imagej=True, metadata={"axes": "ZCYX"}),
        stack(
            CHANNELS,
            imagej=True,
            metadata={"axes": "ZYX", "Labels": ["Red", "Green", "Blue"]},
        ),
        stack(CHANNELS, ome=True, metadata={"axes": "CYX"}),
        stack(CHANNELS, ome=True, metadata={"axes": "CYX"}, planarconfig="separate"),
        stack(np.stack([CHANNELS] * 2, axis=1), ome=True, metadata={"axes": "CZYX"}),
        stack(CHANNELS, metadata={"axes": "CYX"}),
    ],
)
def test_three_channels_become_rgb_with_a_note(data: bytes) -> None:
    image = decode_image(data)

    assert np.array_equal(image.rgb, RGB)
    assert "Three channels taken as red, green and blue." in image.notes


@pytest.mark.parametrize(
    ("feature", "data"),
    [
        ("2 channels", stack(CHANNELS[:2], imagej=True, metadata={"axes": "CYX"})),
        (
            "not red, green and blue",
            stack(
                CHANNELS,
                ome=True,
                metadata={"axes": "CYX", "Channel": {"Name": ["DAPI", "FITC", "Cy5"]}},
            ),
        ),
    ],
)
def test_other_channels_are_refused_by_name(feature: str, data: bytes) -> None:
    assert feature in refusal(data)


@pytest.mark.skipif(not CASES.is_dir(), reason="needs ../shared/cases")
@pytest.mark.parametrize(
    "name",
    [
        "bigtiff_be.tif",
        "bigtiff_le.tif",
        "classic_be.tif",
        "contig16_rgb_raw.tif",
        "planar16_rgb_deflate.tif",
        "planar16_rgb_raw.tif",
        "planar16_rgb_raw_be.tif",
        "planar8_rgb_raw.tif",
    ],
)
def test_shared_case_equals_its_source(name: str) -> None:
    truth = np.asarray(Image.open(CASES / "truth_patch.png").convert("RGB"))

    assert np.array_equal(decode_image((CASES / name).read_bytes(), name).rgb, truth)
