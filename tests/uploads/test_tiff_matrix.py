"""TIFF by photometric x planes x bits x byte order x compression x orientation x alpha: each file
is decoded to the pixels of its source, or refused by a sentence that names the feature."""

import functools

import numpy as np
import pytest

from idc.errors import UploadError
from idc.uploads.gate import decode_image
from tests.support.tiff_files.matrix import Case, cases, kinds

KINDS = {pixels.name: pixels for pixels in kinds()}
N_FILES, N_DECODED = 809, 610


@functools.cache
def outcome(name: str) -> tuple[int, tuple[str, ...]]:
    """Number of files decoded right, and what is wrong with the others."""
    results = [fault(case) for case in cases(KINDS[name])]
    return results.count(None), tuple(result for result in results if result)


def fault(case: Case) -> str | None:
    """None for right pixels, "" for a refusal that names the feature, else what is wrong."""
    try:
        image = decode_image(case.data, "cells.tif")
    except UploadError as error:
        named = any(name in str(error) for name in case.names_of_features())
        return "" if named and "damaged" not in str(error) else f"{case.name}: {error}"
    assert case.pixels.rgb is not None, case.name
    if image.rgb.shape != case.pixels.rgb.shape:
        return f"{case.name}: {image.rgb.shape}"
    difference = np.abs(image.rgb - case.pixels.rgb).max()
    # The half is the source's own rounding.
    return None if difference <= case.tolerance() + 0.5 else f"{case.name}: {difference:.1f} off"


@pytest.mark.parametrize("name", KINDS)
def test_every_file_equals_its_source_or_is_refused_by_name(name: str) -> None:
    assert outcome(name)[1] == ()


def test_matrix_has_the_documented_size() -> None:
    assert sum(len(cases(pixels)) for pixels in KINDS.values()) == N_FILES
    assert sum(outcome(name)[0] for name in KINDS) == N_DECODED
