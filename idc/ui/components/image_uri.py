"""Images as data URIs, the form in which they travel to the browser."""

import base64

import cv2
import numpy as np


def png_uri(image: np.ndarray) -> str:
    """Encode an image losslessly as a PNG data URI.

    Args:
        image: uint8 RGB or RGBA, shape (height, width, 3 or 4).
    """
    return "data:image/png;base64," + _encoded(image, ".png", [])


def webp_uri(image: np.ndarray, quality: int) -> str:
    """Encode an image as a WebP data URI, which is smaller than PNG but not lossless.

    Args:
        image: uint8 RGB or RGBA, shape (height, width, 3 or 4).
        quality: 1 to 100.
    """
    return "data:image/webp;base64," + _encoded(image, ".webp", [cv2.IMWRITE_WEBP_QUALITY, quality])


def _encoded(image: np.ndarray, suffix: str, options: list[int]) -> str:
    order = cv2.COLOR_RGBA2BGRA if image.shape[-1] == 4 else cv2.COLOR_RGB2BGR
    _, data = cv2.imencode(suffix, cv2.cvtColor(np.asarray(image), order), options)
    return base64.b64encode(data.tobytes()).decode("ascii")
