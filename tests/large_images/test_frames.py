from pathlib import Path

import pytest

from idc.large_images.frames import bounds_note, parse_bounds, qupath_origin_px
from idc.large_images.whole_slide import WholeSlide
from tests.support.made_slides import tissue_squares, write_scn, write_slide

CASE = Path(__file__).parents[2].parent / "shared" / "cases" / "bounds.scn"


def test_slide_with_bounds_states_them(tmp_path):
    rgb = tissue_squares(256, 128, 64, [(0, 0)])
    path = write_scn(tmp_path / "s.scn", rgb, size=(1000, 500), at=(300, 200), mpp_um=1.0)

    with WholeSlide(path) as slide:
        assert (slide.width, slide.height) == (1000, 500)
        assert slide.bounds_px == (300, 200, 256, 128)


def test_slide_without_bounds_has_none(tmp_path):
    rgb = tissue_squares(256, 128, 64, [(0, 0)])

    with WholeSlide(write_slide(tmp_path / "s.svs", rgb, mpp_um=1.0)) as slide:
        assert slide.bounds_px is None


@pytest.mark.skipif(not CASE.exists(), reason="needs ../shared/cases")
def test_shared_case_states_its_bounds():
    with WholeSlide(CASE) as slide:
        assert slide.bounds_px == (400, 320, 600, 400)


@pytest.mark.parametrize(
    "values",
    [
        None,
        "1234",
        ["1", "2", "30", None],
        ["1", "2", "30"],
        ["1.5", "2", "30", "40"],
        ["", "2", "30", "40"],
        [1, 2, 30, 40],
        ["1e1", "2", "30", "40"],
        ["nan", "2", "30", "40"],
        ["\u0661", "2", "30", "40"],  # an Arabic digit, which Python would read
        ["9" * 5000, "2", "30", "40"],
        ["-1", "2", "30", "40"],
        ["100", "2", "30", "40"],
        ["1", "50", "30", "40"],
        ["1", "2", "0", "40"],
        ["1", "2", "30", "-40"],
    ],
)
def test_bounds_that_are_no_box_on_the_slide_are_ignored(values):
    assert parse_bounds(values, width=100, height=50) is None


def test_bounds_that_reach_beyond_the_slide_keep_their_corner():
    assert parse_bounds(["1", "2", "300", "400"], width=100, height=50) == (1, 2, 300, 400)


def test_origin_is_the_corner_of_the_bounds():
    assert qupath_origin_px((3, 4, 10, 10)).tolist() == [3, 4]
    assert qupath_origin_px(None).tolist() == [0, 0]


def test_frames_that_are_equal_need_no_note():
    assert bounds_note(None) == ""
    assert bounds_note((0, 0, 10, 10)) == ""
    assert "x_px - 3 and y_px - 4" in bounds_note((3, 4, 10, 10))
