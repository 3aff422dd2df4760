"""What the samples of a TIFF page mean, by its tags alone; what is uncertain is refused by name."""

from dataclasses import dataclass
from typing import Any

from idc.uploads.pixel_conversion import DAMAGED, RANGE_UNKNOWN, Refusal
from idc.uploads.tiff_codecs import (
    CCITT,
    JPEG,
    JPEG_2000,
    OLD_JPEG,
    WEBP,
    codec_refusal,
    compression_name,
)

ADVICE = "save it as an 8-bit RGB PNG and try again"

MIN_IS_WHITE, MIN_IS_BLACK, RGB, PALETTE, CMYK, YCBCR = 0, 1, 2, 3, 5, 6
_COLOURS = {MIN_IS_WHITE: 1, MIN_IS_BLACK: 1, RGB: 3, PALETTE: 1, CMYK: 4, YCBCR: 3}
_PHOTOMETRIC_NAMES = {
    MIN_IS_WHITE: "min-is-white grey",
    MIN_IS_BLACK: "min-is-black grey",
    RGB: "RGB",
    PALETTE: "palette colours",
    4: "a transparency mask",
    CMYK: "CMYK",
    YCBCR: "YCbCr",
    8: "CIE L*a*b*",
    9: "ICC L*a*b*",
    10: "ITU L*a*b*",
    32803: "the colour filter array of a camera",
    32844: "LogL",
    32845: "LogLuv",
    34892: "linear camera raw",
    51177: "depth",
    52527: "a semantic mask",
}
_PHOTOMETRIC, _INK_SET, _T4_OPTIONS, _DNG_VERSION = 262, 332, 292, 50706  # tags
_UNSPECIFIED, _ASSOCIATED, _UNASSOCIATED = 0, 1, 2  # extra samples; the second is premultiplied
_UNSIGNED = 1  # sample format
_MAX_SAMPLES = 16
_MAX_TILE_SIDE_PX = 16_384
_APERIO_YCBCR, _APERIO_RGB = JPEG_2000[0], JPEG_2000[2]


@dataclass(frozen=True)
class Layout:
    """The samples of a page that can be read.

    Attributes:
        photometric: as the codec leaves the pixels: JPEG in YCbCr is RGB.
        bits: per sample, 1 .. 16.
        n_samples: per pixel, as stored.
        n_colours: leading samples that are used: 1, 3 or 4.
        alpha: number of the sample with the opacity; None without.
        is_premultiplied: whether the colours are multiplied by it.
        is_channels: whether the colours are three grey channels without a stated meaning.
        ignores_samples: whether further samples without a stated meaning are dropped.
        subsampling: YCbCr pixels (across, down) per chroma sample, outside JPEG.
    """

    photometric: int
    bits: int
    n_samples: int
    n_colours: int
    alpha: int | None
    is_premultiplied: bool
    is_channels: bool
    ignores_samples: bool
    subsampling: tuple[int, int]


def refusal(what: str, advice: str = ADVICE) -> Refusal:
    """A refusal that names a feature; the advice helps with every TIFF."""
    return Refusal(f"{what}; {advice}")


def layout_of(page: Any) -> Layout:
    """The layout of a `tifffile.TiffPage`.

    Raises:
        Refusal: the page cannot be read as it is meant.
    """
    _check_kind(page)
    photometric, samples = int(page.photometric), int(page.samplesperpixel)
    colours = _COLOURS.get(photometric)
    if colours is None:
        name = _PHOTOMETRIC_NAMES.get(photometric, f"photometric interpretation {photometric}")
        raise refusal(f"has an unsupported pixel format, {name}")
    is_channels = photometric == MIN_IS_BLACK and samples == 3 and not any(page.extrasamples)
    if is_channels:
        colours = 3
    if photometric in (MIN_IS_BLACK, MIN_IS_WHITE) and samples > 2 and not is_channels:
        raise refusal(f"holds {samples} channels rather than red, green and blue")
    if not colours <= samples <= _MAX_SAMPLES:
        name = _PHOTOMETRIC_NAMES[photometric]
        raise refusal(f"has {samples} samples per pixel, which {name} does not define")
    alpha = _alpha(page, photometric, samples, colours)
    premultiplied = alpha is not None and _extra(page, alpha - colours) == _ASSOCIATED
    if premultiplied and photometric not in (MIN_IS_BLACK, RGB, CMYK):
        raise refusal(f"has {_PHOTOMETRIC_NAMES[photometric]} multiplied by its alpha")
    _check_codec_and_colours(page, photometric, samples, is_channels)
    is_decoded = photometric == YCBCR and page.compression in (JPEG, OLD_JPEG)
    return Layout(
        photometric=RGB if is_channels or (is_decoded and page.planarconfig == 1) else photometric,
        bits=page.bitspersample,
        n_samples=samples,
        n_colours=colours,
        alpha=alpha,
        is_premultiplied=premultiplied,
        is_channels=is_channels,
        ignores_samples=samples > colours + (alpha is not None),
        subsampling=(1, 1) if is_decoded else _subsampling(page, photometric),
    )


def _check_kind(page: Any) -> None:
    """Refuse what is no plain image of unsigned integers."""
    tags, bits = page.tags, page.bitspersample
    if _DNG_VERSION in tags:
        raise refusal("is a camera raw file (DNG)")
    if isinstance(bits, tuple):
        raise refusal(f"has samples of different bit depths ({', '.join(map(str, bits[:8]))})")
    if page.sampleformat != _UNSIGNED or bits in (32, 64):
        raise Refusal(RANGE_UNKNOWN)
    if not 1 <= bits <= 16:
        raise refusal(f"holds {bits}-bit values")
    if page.imagedepth != 1 or page.tiledepth != 1:
        raise refusal("holds a volume rather than an image")
    if max(page.tilewidth, page.tilelength) > _MAX_TILE_SIDE_PX:
        raise refusal(f"has tiles of {page.tilewidth} x {page.tilelength} px")
    if page.planarconfig not in (1, 2):
        raise refusal(f"has the unknown planar configuration {page.planarconfig}")
    if _PHOTOMETRIC not in tags and page.compression != OLD_JPEG:
        raise refusal("does not state its photometric interpretation")
    reason = codec_refusal(page.compression, page.predictor, bits)
    if reason:
        raise refusal(reason)


def _extra(page: Any, index: int) -> int:
    """The meaning of an extra sample. A fourth sample of RGB without a tag is taken as alpha, as
    Pillow does."""
    extras = page.extrasamples
    return int(extras[index]) if index < len(extras) else _UNASSOCIATED if not extras else 0


def _alpha(page: Any, photometric: int, samples: int, colours: int) -> int | None:
    if not page.extrasamples and (photometric, samples) != (RGB, 4):
        return None
    meanings = [_extra(page, index) for index in range(samples - colours)]
    found = [i for i, meaning in enumerate(meanings) if meaning in (_ASSOCIATED, _UNASSOCIATED)]
    if len(found) > 1:
        raise refusal(f"has {len(found)} alpha channels")
    return colours + found[0] if found else None


def _check_codec_and_colours(page: Any, photometric: int, samples: int, is_channels: bool) -> None:
    """Refuse colours that a codec does not define, or that programs decode differently."""
    codec, name = page.compression, _PHOTOMETRIC_NAMES[photometric]
    bits, chunky = page.bitspersample, page.planarconfig == 1 and samples > 1
    plain = {(MIN_IS_WHITE, 1), (MIN_IS_BLACK, 1), (RGB, 3), (CMYK, 4), (YCBCR, 3)}
    if codec in (JPEG, OLD_JPEG):
        unusual = bits not in (8, 12) or photometric == PALETTE
        unusual |= chunky and (photometric, samples) not in plain | {(RGB, 4)}
        # Separate planes of chroma may be smaller than the image.
        unusual |= photometric == YCBCR and not chunky
    elif codec in WEBP:
        unusual = bits != 8 or photometric != RGB or not chunky or samples > 4
    elif codec in JPEG_2000:
        unusual = (codec, photometric) in {(_APERIO_YCBCR, RGB), (_APERIO_RGB, YCBCR)}
        unusual |= bits not in (8, 12, 16) or photometric == PALETTE
    elif codec in CCITT:
        unusual = bits != 1 or samples != 1 or photometric not in (MIN_IS_WHITE, MIN_IS_BLACK)
    else:
        unusual = False
    if unusual:
        layout = "separate planes" if page.planarconfig == 2 else "one plane"
        raise refusal(
            f"stores {bits}-bit {name} of {samples} samples in {layout} as "
            f"{compression_name(codec)}, which cannot be read here"
        )
    if is_channels and bits not in (8, 16):
        raise refusal(f"holds 3 channels of {bits} bits rather than red, green and blue")
    if photometric == CMYK and page.tags.valueof(_INK_SET, 1) != 1:
        raise refusal("holds inks other than CMYK")
    if photometric == YCBCR and bits != 8 and codec not in (JPEG, OLD_JPEG):
        raise refusal(f"holds YCbCr of {bits} bits")
    if codec in CCITT and page.tags.valueof(_T4_OPTIONS, 0) & 2:
        raise refusal("uses the uncompressed mode of CCITT fax")


def _subsampling(page: Any, photometric: int) -> tuple[int, int]:
    """The subsampling outside JPEG; without the tag it is 2 x 2 by the standard."""
    if photometric != YCBCR:
        return (1, 1)
    across, down = page.subsampling or (2, 2)
    if (across, down) == (1, 1):
        return (1, 1)
    if across not in (1, 2, 4) or down not in (1, 2, 4):
        raise Refusal(DAMAGED)
    codec, plain = page.compression, page.predictor == 1 and page.fillorder == 1
    if codec in JPEG_2000 or page.planarconfig == 2 or page.samplesperpixel != 3 or not plain:
        raise refusal(
            f"subsamples the chroma of YCbCr {across} x {down} with {compression_name(codec)}, "
            "which cannot be read here"
        )
    return (across, down)
