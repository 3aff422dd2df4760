"""Generated pictures in the layouts of data sets."""

import cv2
import numpy as np


def picture(seed, height=32, width=32):
    """A smooth random picture: uint8 RGB, shape (height, width, 3)."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def encoded(rgb, suffix=".png"):
    """The picture as the bytes of a file."""
    written, data = cv2.imencode(suffix, cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    assert written
    return data.tobytes()


def write_tree(folder, names, size=(32, 32)):
    """One picture for each relative path, numbered from 0; returns the pictures by path."""
    pictures = {}
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pictures[name] = picture(number, *size)
        path.write_bytes(encoded(pictures[name], path.suffix))
    return pictures
