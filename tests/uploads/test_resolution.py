import io

import pytest
from PIL import Image, TiffImagePlugin

from idc.uploads.gate import decode_image
from idc.uploads.resolution import plausible_mpp


def tiff(**options) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (60, 60), (225, 150, 190)).save(file, "TIFF", **options)
    return file.getvalue()


def tagged(across: float, down: float, unit: int, about: str | None = None) -> bytes:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[282], tags[283], tags[296] = across, down, unit
    if about is not None:
        tags[270] = about
    return tiff(tiffinfo=tags)


@pytest.mark.parametrize(
    ("data", "um"),
    [
        (tagged(40_000, 40_000, 3), 0.25),  # a centimetre
        (tagged(25_400, 25_400, 2), 1.0),  # an inch
        (tagged(2, 2, 1, "ImageJ=1.54f\nunit=micron\n"), 0.5),
        (tagged(4, 4, 1, "ImageJ=1.54f\nunit=\\u00B5m\n"), 0.25),
    ],
)
def test_scale_is_read_through_the_gate(data, um):
    assert decode_image(data).mpp_um == pytest.approx(um)


@pytest.mark.parametrize(
    ("what", "data"),
    [
        ("no tags", tiff()),
        ("a screen's 72 dots an inch", tagged(72, 72, 2)),
        ("a printer's 300", tagged(300, 300, 2)),
        ("no unit", tagged(2, 2, 1)),
        ("zero", tagged(0, 0, 3)),
        ("pixels that are not square", tagged(40_000, 20_000, 3)),
        ("an unknown unit", tagged(40_000, 40_000, 7)),
    ],
)
def test_scale_impossible_for_tissue_is_unknown(what, data):
    assert decode_image(data).mpp_um is None


@pytest.mark.parametrize("value", [None, "4", True, 4, float("nan"), float("inf"), -1.0, 0.01])
def test_implausible_value_of_a_decoder_is_unknown(value):
    assert plausible_mpp(value) is None
