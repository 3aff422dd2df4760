"""TIFF files of every kind of pixels, made by tifffile, each with the colours that it means."""

import io
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import tifffile

HEIGHT, WIDTH = 42, 68  # no multiple of a tile or strip
LOSSY = {"jpeg"}
COMPRESSIONS = (
    "none",
    "lzw",
    "deflate",
    "packbits",
    "jpeg",
    "jpeg2000",
    "webp",
    "zstd",
    "lzma",
    "jpegxl",
)
CODEC_NAMES = {
    "jpeg": "JPEG",
    "jpeg2000": "JPEG 2000",
    "webp": "WebP",
    "jpegxl": "JPEG XL",
}
_CODEC_ARGUMENTS: dict[str, dict[str, Any]] = {
    "jpeg": {"level": 100},
    "jpeg2000": {"reversible": True},
    "webp": {"lossless": True},
}
_WITH_PREDICTOR = ("lzw", "deflate", "zstd", "lzma")
_TURN_BACK = {  # upright pixels as a file of this orientation stores them
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, -1),
}


@dataclass(frozen=True)
class Pixels:
    """One kind of pixels.

    Attributes:
        name: for messages.
        photometric: tifffile's name.
        bits: per sample.
        samples: the stored values, upright, shape (height, width, n).
        rgb: the colours on white that they mean, float, 0 .. 255; None where refused.
        refused_as: what a refusal names, for any compression; "" where the pixels are readable.
    """

    name: str
    photometric: str
    bits: int
    samples: np.ndarray
    rgb: np.ndarray | None
    refused_as: str = ""
    extrasamples: tuple[int, ...] = ()
    colormap: np.ndarray | None = None


@dataclass(frozen=True)
class Case:
    """One file of the matrix."""

    name: str
    pixels: Pixels
    compression: str
    data: bytes

    def tolerance(self) -> int:
        return 6 if self.compression in LOSSY else 1

    def names_of_features(self) -> set[str]:
        """One of these is in the sentence that refuses the file."""
        return {self.pixels.refused_as, CODEC_NAMES.get(self.compression, "")} - {""}


def shades(n: int) -> np.ndarray:
    """Smooth values, 0 .. 1, shape (height, width, n), every channel another."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] / np.array([HEIGHT - 1, WIDTH - 1]).reshape(2, 1, 1)
    planes = (x, y, (x + y) / 2, (1 - x) / 2, (1 - y) / 3)
    return np.stack(planes[:n], axis=2)


def kinds() -> Iterator[Pixels]:
    """All kinds of pixels of the matrix."""
    for bits in (1, 2, 4, 8, 12, 16):
        grey = stored(shades(1), bits)
        yield Pixels(f"min-is-black {bits}", "minisblack", bits, grey, as_rgb(grey, bits))
        yield Pixels(f"min-is-white {bits}", "miniswhite", bits, grey, 255 - as_rgb(grey, bits))
    for bits in (8, 16):
        rgb, grey, inks = (stored(shades(n), bits) for n in (3, 1, 4))
        yield Pixels(f"RGB {bits}", "rgb", bits, rgb, as_rgb(rgb, bits))
        yield from with_alpha(f"RGBA {bits}", "rgb", bits, rgb)
        yield from with_alpha(f"grey and alpha {bits}", "minisblack", bits, grey)
        yield Pixels(f"CMYK {bits}", "separated", bits, inks, inks_as_rgb(inks, bits))
    yield from palettes()
    ycbcr = stored(shades(3), 8)
    yield Pixels("YCbCr", "ycbcr", 8, ycbcr, ycbcr_as_rgb(ycbcr), "YCbCr")
    yield Pixels("Lab", "cielab", 8, stored(shades(3), 8), None, "L*a*b*")
    for kind in ("float32", "int16", "uint32", "float16"):
        values = (shades(1) * 100).astype(kind)
        bits = 8 * values.itemsize
        yield Pixels(kind, "minisblack", bits, values, None, "32-bit, signed or floating-point")


def stored(values: np.ndarray, bits: int) -> np.ndarray:
    return np.rint(values * (2**bits - 1)).astype(np.uint8 if bits <= 8 else np.uint16)


def as_rgb(samples: np.ndarray, bits: int) -> np.ndarray:
    levels = samples * (255 / (2**bits - 1))
    return np.broadcast_to(levels, (HEIGHT, WIDTH, 3))


def inks_as_rgb(inks: np.ndarray, bits: int) -> np.ndarray:
    share = inks / (2**bits - 1)
    return 255 * (1 - share[..., :3]) * (1 - share[..., 3:])


def ycbcr_as_rgb(samples: np.ndarray) -> np.ndarray:
    y, cb, cr = np.moveaxis(samples.astype(float) - [0, 128, 128], 2, 0)
    rgb = np.stack([y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb], axis=2)
    return np.clip(rgb, 0, 255)


def with_alpha(name: str, photometric: str, bits: int, colour: np.ndarray) -> Iterator[Pixels]:
    """The three meanings of an extra sample: unknown, multiplied into the colours, separate."""
    alpha = stored(np.where(shades(1) > 0.5, 1.0, 0.5), bits)
    top = 2**bits - 1
    on_white = as_rgb(colour, bits) * (alpha / top) + 255 * (1 - alpha / top)
    multiplied = np.rint(colour * (alpha / top)).astype(colour.dtype)
    for meaning, first, rgb in (
        (0, colour, as_rgb(colour, bits)),
        (1, multiplied, on_white),
        (2, colour, on_white),
    ):
        samples = np.concatenate([first, alpha], axis=2)
        yield Pixels(f"{name}, extra {meaning}", photometric, bits, samples, rgb, "", (meaning,))


def palettes() -> Iterator[Pixels]:
    for bits, scale in itertools.product((4, 8), (257, 1)):
        colours = (np.arange(3 * 2**bits).reshape(3, -1) * 37 + 11) % 256
        samples = stored(shades(1), bits)
        name = f"palette {bits}, map of {'16' if scale == 257 else '8'} bit"
        colormap = (colours * scale).astype(np.uint16)
        rgb = colours.T[samples[..., 0]].astype(float)
        yield Pixels(name, "palette", bits, samples, rgb, "palette", (), colormap)


def cases(pixels: Pixels) -> list[Case]:
    """The files of one kind: compression x planes x byte order, with orientation, tiles, predictor
    and BigTIFF in turn. What tifffile cannot write is left out."""
    found = []
    planes = ("contig", "separate") if pixels.samples.shape[2] > 1 else ("contig",)
    turns = itertools.count()
    for compression, plane, order in itertools.product(COMPRESSIONS, planes, "<>"):
        turn = next(turns)
        orientation, tiled = 1 + turn * 3 % 8, turn % 3 == 1
        predictor = compression in _WITH_PREDICTOR and pixels.bits in (8, 16) and turn % 2 == 0
        options = {
            "compression": None if compression == "none" else compression,
            "compressionargs": dict(_CODEC_ARGUMENTS.get(compression, {})),  # tifffile adds to it
            "planarconfig": plane if pixels.samples.shape[2] > 1 else None,
            "predictor": predictor or None,
            "tile": (16, 16) if tiled else None,
            "rowsperstrip": None if tiled else 8,
            # The writer pads tiles with black, which subsampling would mix into their edge.
            "subsampling": (1, 1) if tiled or pixels.photometric == "ycbcr" else None,
        }
        data = written(pixels, orientation, order, turn % 4 == 2, options)
        if data is not None:
            name = f"{pixels.name}, {compression}, {plane}, {order}, {orientation}, tiled={tiled}"
            found.append(Case(name, pixels, compression, data))
    return found


def written(
    pixels: Pixels, orientation: int, order: str, bigtiff: bool, options: dict[str, Any]
) -> bytes | None:
    """The bytes of a file; None if tifffile does not write this combination, or writes the bytes
    of a sample in the wrong order."""
    if order == ">" and (
        pixels.bits == 12 or (options["compression"] == "jpeg2000" and pixels.bits > 8)
    ):
        return None
    samples = np.ascontiguousarray(_TURN_BACK[orientation](pixels.samples))
    image = samples[..., 0] if samples.shape[2] == 1 else samples
    if options["planarconfig"] == "separate":
        image = np.ascontiguousarray(np.moveaxis(samples, 2, 0))
    file = io.BytesIO()
    try:
        with tifffile.TiffWriter(file, byteorder=order, bigtiff=bigtiff) as writer:
            writer.write(
                image.astype(bool) if pixels.bits == 1 else image,
                photometric=pixels.photometric,
                bitspersample=None if pixels.bits == 1 else pixels.bits,
                extrasamples=pixels.extrasamples or None,
                colormap=pixels.colormap,
                extratags=[(274, "H", 1, orientation, True)],
                metadata=None,
                **options,
            )
    except (ValueError, TypeError, RuntimeError, NotImplementedError, KeyError):
        return None
    return file.getvalue()
