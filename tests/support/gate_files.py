"""For the tests of the upload gate: decode, check refusals, and images in every format."""

from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from idc.errors import UploadError
from idc.uploads.gate import (
    decode_image,
)
from tests.support.made_files import (
    png,
    saved,
)


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


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[274] = orientation
    return tags
