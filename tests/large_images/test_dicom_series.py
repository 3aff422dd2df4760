import numpy as np
import pytest

from idc.errors import SlideError
from idc.large_images.bulk_task import slide_tasks
from idc.large_images.whole_slide import WholeSlide
from tests.support.slide_files.dicom import write_other_image, write_series

RGB = np.random.default_rng(0).integers(0, 256, (200, 330, 3), np.uint8)
SMALL = np.full((50, 82, 3), (10, 200, 30), np.uint8)  # another picture: shows which level is read


@pytest.fixture
def series(tmp_path):
    """The files of a slide with two levels, the smaller one first by name."""
    return write_series([tmp_path / "b.dcm", tmp_path / "a.dcm"], [RGB, SMALL], mpp_um=1.0)


@pytest.mark.parametrize("given", [0, 1])
def test_any_file_of_a_series_opens_all_levels(series, given):
    with WholeSlide(series[given]) as slide:
        assert (slide.width, slide.height, slide.mpp_um) == (330, 200, 1.0)
        assert slide.downsamples == [1.0, pytest.approx(4.01, abs=0.01)]
        np.testing.assert_array_equal(slide.read(0, 0, (330, 200), 1.0), RGB)
        assert (slide.read(0, 0, (50, 40), slide.downsamples[1]) == SMALL[0, 0]).all()


def test_reduced_level_alone_asks_for_its_series(series):
    series[0].unlink()
    with pytest.raises(SlideError) as refused:
        WholeSlide(series[1])
    assert str(refused.value) == (
        "'a.dcm' is a reduced level of a DICOM slide whose full resolution is missing; put all "
        "files of its series in one folder and give one of them."
    )


def test_reduced_levels_without_the_largest_are_refused(tmp_path):
    tiny = np.full((25, 41, 3), 9, np.uint8)
    paths = [tmp_path / f"{name}.dcm" for name in "abc"]
    write_series(paths, [RGB, SMALL, tiny], mpp_um=1.0)[0].unlink()
    for path in paths[1:]:
        with pytest.raises(SlideError, match="a reduced level of a DICOM slide whose full"):
            WholeSlide(path)


def test_dicom_of_another_kind_asks_for_a_slide(tmp_path):
    with pytest.raises(SlideError) as refused:
        WholeSlide(write_other_image(tmp_path / "ct.dcm"))
    assert str(refused.value) == (
        "'ct.dcm' is a DICOM file that cannot be read as a whole slide; a slide needs a folder "
        "with all files of its series, and one of them is given."
    )


def test_folder_has_one_task_per_series_and_per_unreadable_file(series, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    write_series([other / "c.dcm"], [RGB], mpp_um=1.0)
    write_other_image(tmp_path / "ct.dcm")

    assert [task.name for task in slide_tasks([tmp_path])] == ["a.dcm", "ct.dcm", "c.dcm"]
    assert [task.name for task in slide_tasks([series[0]])] == ["b.dcm"]
