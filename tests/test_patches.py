import pytest

from idc.patches import PatchName, parse_patch_name


def test_name_tells_case_place_and_label():
    assert parse_patch_name("8863_idx5_x451_y1451_class0.png") == PatchName(
        case=8863, y=1451, x=451, label=0
    )


def test_file_name_is_what_was_parsed():
    name = "10253_idx5_x1_y51_class1.png"

    assert parse_patch_name(name).file_name() == name


def test_case_of_the_letters_does_not_matter():
    assert parse_patch_name("8863_IDX5_X1_Y1_CLASS1.PNG") == PatchName(8863, 1, 1, 1)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "readme.txt",
        "._8863_idx5_x1_y1_class0.png",
        "8863_idx5_x1_y1_class2.png",
        "8863_idx5_x-1_y1_class0.png",
        "8863_idx5_x1_y1_class0.png.part",
        "copy of 8863_idx5_x1_y1_class0.png",
        "8863_idx5_x1_y1_class0.jpg",
        "8863_idx5_x1_class0.png",
        "1234567890_idx5_x1_y1_class0.png",  # ten digits do not fit an int32
        "8863_idx5_x1_y1_class0.png\n",
        "0/8863_idx5_x1_y1_class0.png",
    ],
)
def test_any_other_name_is_not_a_patch(name):
    assert parse_patch_name(name) is None


def test_names_sort_as_a_slide_is_read():
    first = PatchName(case=1, y=1, x=51, label=1)
    second = PatchName(case=1, y=51, x=1, label=0)
    third = PatchName(case=2, y=1, x=1, label=0)

    assert sorted([third, second, first]) == [first, second, third]
