"""idc.uploads.tiff_codecs: which compressions are decoded, and how the others are named."""

import pytest

from idc.uploads.tiff_codecs import ALLOWED_COMPRESSIONS, codec_refusal, compression_name

JPEG_XL, LZW, PACKBITS, JPEG = 50002, 5, 32773, 7


def test_allowed_compressions_have_no_refusal():
    assert len(ALLOWED_COMPRESSIONS) == 20
    assert {codec_refusal(compression) for compression in ALLOWED_COMPRESSIONS} == {None}


def test_refused_compression_is_named():
    assert codec_refusal(JPEG_XL) == "is compressed as JPEG XL, which cannot be read here"
    assert codec_refusal(4711) == "is compressed as number 4711, which cannot be read here"


def test_every_allowed_compression_has_a_name():
    names = {compression_name(compression) for compression in ALLOWED_COMPRESSIONS}

    assert not any(name.startswith("number") for name in names)


@pytest.mark.parametrize(
    ("compression", "predictor", "bits", "sample_format", "refused"),
    [
        (LZW, 1, 12, 1, False),
        (LZW, 2, 16, 1, False),
        (LZW, 2, 12, 1, True),
        (LZW, 3, 32, 3, False),
        (LZW, 3, 32, 1, True),
        (LZW, 34892, 8, 1, True),
        (PACKBITS, 2, 8, 1, True),
        (JPEG, 2, 8, 1, True),
    ],
)
def test_predictor_is_allowed_where_all_programs_agree(
    compression, predictor, bits, sample_format, refused
):
    reason = codec_refusal(compression, predictor, bits, sample_format)

    assert (reason is not None) == refused
    assert reason is None or f"predictor {predictor} with" in reason
