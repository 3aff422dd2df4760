"""The compressions and predictors of TIFF that are decoded here, and the names of all others.

Each codec is C code that reads untrusted bytes, so only those that images of tissue use are
allowed; `tifffile` alone would run any codec of `imagecodecs` that a file asks for. The decoders of
uploads and of whole slides both check a page's tags with `codec_refusal` before they decode it.
The module imports nothing, so that it costs nothing where no TIFF arrives.
"""

NONE, CCITT_RLE, CCITT_GROUP_3, CCITT_GROUP_4, LZW = 1, 2, 3, 4, 5
OLD_JPEG, JPEG, PACKBITS, LZMA = 6, 7, 32773, 34925
DEFLATE = (8, 32946, 50013)
JPEG_2000 = (33003, 33004, 33005, 34712)  # the first is Aperio's YCbCr, the third its RGB
ZSTD, WEBP = (50000, 34926), (50001, 34927)

CCITT = (CCITT_RLE, CCITT_GROUP_3, CCITT_GROUP_4)
ALLOWED_COMPRESSIONS = frozenset(
    {NONE, *CCITT, LZW, OLD_JPEG, JPEG, PACKBITS, LZMA, *DEFLATE, *JPEG_2000, *ZSTD, *WEBP}
)

_NAMES = {
    NONE: "no compression",
    CCITT_RLE: "CCITT RLE",
    CCITT_GROUP_3: "CCITT group 3",
    CCITT_GROUP_4: "CCITT group 4",
    LZW: "LZW",
    OLD_JPEG: "old-style JPEG",
    JPEG: "JPEG",
    PACKBITS: "PackBits",
    LZMA: "LZMA",
    **dict.fromkeys(DEFLATE, "Deflate"),
    **dict.fromkeys(JPEG_2000, "JPEG 2000"),
    **dict.fromkeys(ZSTD, "Zstandard"),
    **dict.fromkeys(WEBP, "WebP"),
    **dict.fromkeys((9, 10, 34661), "JBIG"),
    **dict.fromkeys((22610, 34934), "JPEG XR"),
    **dict.fromkeys((50002, 52546), "JPEG XL"),
    **dict.fromkeys((65000, 65001, 65002), "EER"),
    **dict.fromkeys((34676, 34677), "SGI LogLuv"),
    **dict.fromkeys((32767, 32769, 32770, 32772, 34713, 65535), "raw data of a camera"),
    32766: "NeXT",
    32771: "CCITT RLE with word alignment",
    32809: "ThunderScan",
    32908: "PixarFilm",
    32909: "PixarLog",
    33007: "alternative JPEG",
    34715: "JBIG2",
    34887: "LERC",
    34892: "lossy JPEG of a DNG",
    34933: "PNG",
    48124: "Jetraw",
}

_NO_PREDICTOR, _HORIZONTAL, _FLOATING_POINT = 1, 2, 3
_USES_PREDICTOR = frozenset({LZW, LZMA, *DEFLATE, *ZSTD})  # as in libtiff
_PREDICTOR_BITS = {_HORIZONTAL: (8, 16, 32, 64), _FLOATING_POINT: (16, 32, 64)}
_IEEE_FLOAT = 3


def compression_name(compression: int) -> str:
    """The usual name of a TIFF compression ("LZW"); "number 4711" for an unknown one."""
    return _NAMES.get(compression, f"number {compression}")


def codec_refusal(
    compression: int, predictor: int = 1, bits: int = 8, sample_format: int = 1
) -> str | None:
    """Why the pixels of a TIFF page cannot be decoded here, by its tags alone; None if they can.

    Args:
        compression: tag 259.
        predictor: tag 317, 1 for none.
        bits: bits per sample, tag 258.
        sample_format: tag 339, 1 for unsigned integers, 3 for floating point.

    Returns:
        The part of a sentence between the file's name and the advice: "is compressed as JPEG XL,
        which cannot be read here".
    """
    name = compression_name(compression)
    if compression not in ALLOWED_COMPRESSIONS:
        return f"is compressed as {name}, which cannot be read here"
    if predictor == _NO_PREDICTOR:
        return None
    # Programs disagree about a predictor in other places: some apply it, some ignore it.
    is_known = (
        compression in _USES_PREDICTOR
        and bits in _PREDICTOR_BITS.get(predictor, ())
        and (predictor == _FLOATING_POINT) <= (sample_format == _IEEE_FLOAT)
    )
    if is_known:
        return None
    return f"states predictor {predictor} with {name} and {bits} bits, which cannot be read here"
