"""The foreign set of bench/foreign.py: images other than H&E tissue at 4 um per pixel, by kind.

Each kind has two parts, "choose" and "report", that share no image (or, of a single large image, no
half).
"""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import skimage
import sklearn.datasets

SIDE = 50
PARTS = ("choose", "report")
_SKIMAGE = Path(skimage.__file__).parent / "data"
_MOST_A_KIND = 400

# Which example images belong to which part, so that none is in both.
_PHOTOGRAPHS = {
    "choose": ("astronaut.png", "chelsea.png", "motorcycle_left.png", "grass.png", "color.png"),
    "report": (
        *("coffee.png", "rocket.jpg", "hubble_deep_field.jpg", "brick.png", "gravel.png"),
        *("logo.png", "china.jpg", "flower.jpg"),
    ),
}
_GREY = {
    "choose": ("camera.png", "cell.png", "page.png", "phantom.png"),
    "report": ("coins.png", "moon.png", "text.png", "clock_motion.png", "horse.png"),
}
_OTHER_MEDICAL = {"choose": ("microaneurysms.png",), "report": ("retina.jpg",)}


def example_patches(part: str) -> dict[str, np.ndarray]:
    """Example images of scikit-image and scikit-learn, cut to patches at three scales.

    Returns:
        kind -> uint8 RGB, shape (n, 50, 50, 3).
    """
    rng = np.random.default_rng(PARTS.index(part))
    ihc = _read("ihc.png")
    half = ihc.shape[1] // 2
    stained = ihc[:, :half] if part == "choose" else ihc[:, half:]
    kinds = {
        "photographs": [_read(name) for name in _PHOTOGRAPHS[part]],
        "grey pictures, text, microscopy": [_read(name) for name in _GREY[part]],
        "eye fundus": [_read(name) for name in _OTHER_MEDICAL[part]],
        "immunostain (DAB)": [stained],
    }
    return {kind: _some(rng, _cut_all(images)) for kind, images in kinds.items()}


def generated_patches(part: str) -> dict[str, np.ndarray]:
    """Generated images that are no tissue.

    Returns:
        kind -> uint8 RGB, shape (n, 50, 50, 3).
    """
    rng = np.random.default_rng(100 + PARTS.index(part))
    makers = {
        "flat colours": _flat,
        "gradients": _gradient,
        "noise": _noise,
        "cloudy noise": _clouds,
        "stripes and boards": _stripes,
        "shapes": _shapes,
        "screenshots": _screenshot,
    }
    return {
        f"generated: {name}": np.stack([maker(rng) for _ in range(100)])
        for name, maker in makers.items()
    }


def mistaken_patches(patches: np.ndarray, slide: np.ndarray) -> dict[str, np.ndarray]:
    """What becomes of real tissue by the usual mistakes.

    Args:
        patches: uint8 RGB, shape (n, 50, 50, 3), real ones with tissue.
        slide: uint8 RGB, shape (height, width, 3), a stitched real case at 4 um a pixel.

    Returns:
        kind -> uint8 RGB, shape (n, 50, 50, 3).
    """
    return {
        "real tissue out of focus (sigma 12 um)": _each(patches, lambda p: _blurred(p, 3)),
        "real tissue heavily blurred (sigma 20 um)": _each(patches, lambda p: _blurred(p, 5)),
        "real tissue enlarged 4 times (1 um a pixel)": _each(patches, lambda p: _enlarged(p, 4)),
        "real tissue enlarged 8 times (0.5 um a pixel)": _each(patches, lambda p: _enlarged(p, 8)),
        "real tissue reduced 4 times (16 um a pixel)": _reduced(slide, 4),
        "real tissue, red and blue swapped": np.ascontiguousarray(patches[..., ::-1]),
        "real tissue, inverted": 255 - patches,
        "real tissue in grey": _each(patches, _grey),
    }


def _read(name: str) -> np.ndarray:
    """uint8 RGB of an example image."""
    folder = Path(sklearn.datasets.__file__).parent / "images"
    path = _SKIMAGE / name if (_SKIMAGE / name).exists() else folder / name
    return cv2.cvtColor(cv2.imread(str(path), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def _cut_all(images: list[np.ndarray]) -> np.ndarray:
    """Tiles of the images as they are, and reduced to a half and a quarter."""
    found = []
    for image in images:
        for times in (1, 2, 4):
            small = cv2.resize(
                image, None, fx=1 / times, fy=1 / times, interpolation=cv2.INTER_AREA
            )
            found.extend(_tiles(small))
    return np.stack(found)


def _tiles(image: np.ndarray) -> Iterator[np.ndarray]:
    height, width = image.shape[:2]
    for y in range(0, height - SIDE + 1, SIDE):
        for x in range(0, width - SIDE + 1, SIDE):
            yield image[y : y + SIDE, x : x + SIDE]


def _some(rng: np.random.Generator, patches: np.ndarray) -> np.ndarray:
    chosen = rng.permutation(len(patches))[:_MOST_A_KIND]
    return patches[chosen]


def _each(patches: np.ndarray, change) -> np.ndarray:
    return np.stack([change(patch) for patch in patches])


def _blurred(patch: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(patch, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)


def _enlarged(patch: np.ndarray, times: int) -> np.ndarray:
    side = SIDE // times
    cut = patch[(SIDE - side) // 2 :, (SIDE - side) // 2 :][:side, :side]
    return cv2.resize(cut, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)


def _reduced(slide: np.ndarray, times: int) -> np.ndarray:
    small = cv2.resize(slide, None, fx=1 / times, fy=1 / times, interpolation=cv2.INTER_AREA)
    return np.stack(list(_tiles(small)))


def _grey(patch: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


def _colour(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 256, 3)


def _flat(rng: np.random.Generator) -> np.ndarray:
    return np.full((SIDE, SIDE, 3), _colour(rng), np.uint8)


def _gradient(rng: np.random.Generator) -> np.ndarray:
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0:SIDE, 0:SIDE] / (SIDE - 1) - 0.5
    t = ((np.cos(angle) * x + np.sin(angle) * y) / 1.42 + 0.5)[..., None]
    return ((1 - t) * _colour(rng) + t * _colour(rng)).astype(np.uint8)


def _noise(rng: np.random.Generator) -> np.ndarray:
    spread = rng.uniform(5, 80)
    return np.clip(rng.normal(_colour(rng), spread, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8)


def _clouds(rng: np.random.Generator) -> np.ndarray:
    coarse = rng.normal(0, 1, (SIDE, SIDE)).astype(np.float32)
    smooth = cv2.GaussianBlur(coarse, (0, 0), rng.uniform(1, 6))
    t = ((smooth - smooth.min()) / np.ptp(smooth))[..., None]
    return ((1 - t) * _colour(rng) + t * _colour(rng)).astype(np.uint8)


def _stripes(rng: np.random.Generator) -> np.ndarray:
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    width = int(rng.integers(2, 20))
    across = (x // width) % 2
    on = across ^ ((y // width) % 2) if rng.random() < 0.5 else across
    return np.where(on[..., None], _colour(rng), _colour(rng)).astype(np.uint8)


def _shapes(rng: np.random.Generator) -> np.ndarray:
    picture = _flat(rng)
    for _ in range(int(rng.integers(2, 8))):
        centre = tuple(int(v) for v in rng.integers(0, SIDE, 2))
        colour = tuple(int(v) for v in _colour(rng))
        if rng.random() < 0.5:
            cv2.circle(picture, centre, int(rng.integers(3, 18)), colour, -1, cv2.LINE_AA)
        else:
            other = tuple(int(v) for v in rng.integers(0, SIDE, 2))
            cv2.rectangle(picture, centre, other, colour, -1)
    return picture


def _screenshot(rng: np.random.Generator) -> np.ndarray:
    """A piece of a window: a plain ground, lines of text, now and then a coloured button."""
    dark = rng.random() < 0.4
    ground, ink = (int(rng.integers(10, 50)), 230) if dark else (int(rng.integers(235, 256)), 30)
    picture = np.full((SIDE, SIDE, 3), ground, np.uint8)
    if rng.random() < 0.4:
        top = int(rng.integers(0, 30))
        colour = tuple(int(v) for v in _colour(rng))
        cv2.rectangle(picture, (int(rng.integers(0, 20)), top), (SIDE, top + 14), colour, -1)
    for line in range(int(rng.integers(2, 5))):
        words = "".join(chr(int(code)) for code in rng.integers(97, 123, 9))
        place = (int(rng.integers(-10, 8)), 10 + 12 * line)
        cv2.putText(picture, words, place, cv2.FONT_HERSHEY_SIMPLEX, 0.35, (ink,) * 3, 1)
    return picture
