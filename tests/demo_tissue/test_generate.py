"""Tests of the demo tissue: reproducibility, labels, file names and grid."""

import hashlib

import cv2
import numpy as np
import pytest

from idc.demo_tissue.generate import (
    FIRST_CASE,
    MIN_TISSUE_SHARE,
    DemoSlide,
    generate_cases,
    generate_slide,
    slide_patches,
)
from idc.errors import ConfigError
from idc.patches import parse_patch_name


@pytest.fixture(scope="module")
def progress() -> list[tuple[int, int]]:
    """Arguments of the `on_progress` calls while `slides` are generated."""
    return []


@pytest.fixture(scope="module")
def slides(progress) -> list[DemoSlide]:
    return list(
        generate_cases(3, seed=5, on_progress=lambda *step: progress.append(step), threads=2)
    )


def blank_slide(*outlines: list[tuple[int, int]], tissue: np.ndarray | None = None) -> DemoSlide:
    """A slide of 102 x 52 px: two columns and one row of whole patches."""
    return DemoSlide(
        case=FIRST_CASE,
        rgb=np.zeros((52, 102, 3), np.uint8),
        tissue=np.ones((52, 102), bool) if tissue is None else tissue,
        outlines=tuple(np.array(outline, np.int32) for outline in outlines),
    )


def labels(slide: DemoSlide) -> dict[tuple[int, int], int]:
    return {(name.x, name.y): name.label for name, _ in slide_patches(slide)}


def digest(slide: DemoSlide) -> str:
    parts = [slide.rgb, slide.tissue, *slide.outlines]
    return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()


# Reproducibility


def test_result_does_not_depend_on_number_of_threads(slides):
    opencv_threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        alone = generate_slide(seed=5, number=2)
    finally:
        cv2.setNumThreads(opencv_threads)

    assert digest(alone) == digest(slides[2])


def test_another_seed_or_number_gives_another_slide(slides):
    assert len({digest(slide) for slide in [*slides, generate_slide(seed=6, number=0)]}) == 4


def test_cases_are_ordered_and_progress_is_reported(slides, progress):
    assert [slide.case for slide in slides] == [FIRST_CASE, FIRST_CASE + 1, FIRST_CASE + 2]
    assert progress == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("seed, number", [(-1, 0), (0, -1)])
def test_negative_seed_or_number_is_rejected(seed, number):
    with pytest.raises(ConfigError, match=f"Received: {seed}, {number}"):
        generate_slide(seed, number)


def test_zero_cases_are_rejected():
    with pytest.raises(ConfigError, match="Received: 0"):
        next(generate_cases(0))


# Labels


def test_patch_with_exactly_80_percent_inside_is_positive():
    slide = blank_slide([(1, 1), (40, 1), (40, 50), (1, 50)])  # 40 of 50 columns

    assert labels(slide) == {(1, 1): 1, (51, 1): 0}


def test_patch_with_one_pixel_less_is_negative():
    slide = blank_slide([(1, 1), (40, 1), (40, 49), (39, 49), (39, 50), (1, 50)])

    assert labels(slide) == {(1, 1): 0, (51, 1): 0}


def test_regions_in_one_patch_are_summed_without_overlap():
    left, right = [(1, 1), (25, 1), (25, 50), (1, 50)], [(26, 1), (40, 1), (40, 50), (26, 50)]
    wide = [(51, 1), (85, 1), (85, 50), (51, 50)]  # 70 %, given twice

    assert labels(blank_slide(left, right, wide, wide)) == {(1, 1): 1, (51, 1): 0}


def test_slide_without_outlines_is_all_negative():
    assert labels(blank_slide()) == {(1, 1): 0, (51, 1): 0}


def test_labels_match_the_outline_area_in_each_patch(slides):
    for slide in slides:
        for name, _ in slide_patches(slide):
            share = sum(area_within(outline, name.x, name.y) for outline in slide.outlines) / 2500
            if abs(share - 0.8) > 0.02:  # drawn edges are half a pixel wider than measured ones
                assert name.label == (share > 0.8), name


def area_within(outline: np.ndarray, x: int, y: int) -> float:
    """Exact area of a polygon within a patch (Sutherland-Hodgman clipping)."""
    points = outline.astype(float) - (x - 0.5, y - 0.5)  # pixel centres lie at whole numbers
    for axis, keep_above in ((0, True), (0, False), (1, True), (1, False)):
        points = clipped(points, axis, 0.0 if keep_above else 50.0, keep_above)
    x_next, y_next = np.roll(points, -1, axis=0).T
    return abs(float(np.sum(points[:, 0] * y_next - x_next * points[:, 1]))) / 2


def clipped(points: np.ndarray, axis: int, limit: float, keep_above: bool) -> np.ndarray:
    kept = []
    for here, there in zip(points, np.roll(points, -1, axis=0), strict=True):
        inside = [(point[axis] >= limit) == keep_above for point in (here, there)]
        if inside[0]:
            kept.append(here)
        if inside[0] != inside[1]:
            kept.append(here + (there - here) * (limit - here[axis]) / (there - here)[axis])
    return np.array(kept).reshape(-1, 2)


# Patches


def test_names_are_on_the_grid_and_can_be_parsed(slides):
    for name, _ in slide_patches(slides[0]):
        assert (name.x % 50, name.y % 50) == (1, 1)
        assert parse_patch_name(name.file_name()) == name


def test_patches_are_whole_and_match_the_slide(slides):
    slide = slides[0]

    for name, pixels in slide_patches(slide):
        assert pixels.dtype == np.uint8
        assert np.array_equal(pixels, slide.rgb[name.y : name.y + 50, name.x : name.x + 50])
        assert pixels.shape == (50, 50, 3)


def test_patches_are_unique_and_in_row_order(slides):
    names = [name for name, _ in slide_patches(slides[0])]

    assert names == sorted(set(names))


def test_patches_below_minimum_tissue_share_are_omitted():
    tissue = np.zeros((52, 102), bool)
    tissue[1:51, 1:51].flat[: round(MIN_TISSUE_SHARE * 2500)] = True
    tissue[1:51, 51:101].flat[: round(MIN_TISSUE_SHARE * 2500) - 1] = True

    assert list(labels(blank_slide(tissue=tissue))) == [(1, 1)]


def test_cases_have_400_patches_and_both_classes_occur(slides):
    found = [list(labels(slide).values()) for slide in slides]

    assert min(map(len, found)) >= 400
    assert {label for case in found for label in case} == {0, 1}


def test_slide_has_rgb_pixels_tissue_mask_and_outlines(slides):
    for slide in slides:
        assert slide.rgb.dtype == np.uint8
        assert slide.rgb.shape == (*slide.tissue.shape, 3)
        assert slide.tissue.dtype == bool
        assert slide.rgb[~slide.tissue].mean() > 200 > slide.rgb[slide.tissue].mean()
        for outline in slide.outlines:
            assert outline.dtype == np.int32
            assert outline.shape[1:] == (2,)
