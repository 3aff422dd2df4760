import random

import pytest

from idc.patches import PatchName, parse_patch_name, parse_patch_names


def test_name_gives_case_position_and_label():
    assert parse_patch_name("8863_idx5_x451_y1451_class0.png") == PatchName(
        case=8863, y=1451, x=451, label=0
    )


def test_file_name_round_trips():
    name = "10253_idx5_x1_y51_class1.png"

    assert parse_patch_name(name).file_name() == name


def test_parsing_ignores_letter_case():
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
        "\u0661_idx5_x1_y1_class0.png",  # a digit outside ASCII
        "8863_idx5_x1_y1_cla\u017f\u017f0.png",  # long s: casefolds to s
    ],
)
def test_malformed_name_is_not_a_patch(name):
    assert parse_patch_name(name) is None


def test_names_sort_in_reading_order():
    first = PatchName(case=1, y=1, x=51, label=1)
    second = PatchName(case=1, y=51, x=1, label=0)
    third = PatchName(case=2, y=1, x=1, label=0)

    assert sorted([third, second, first]) == [first, second, third]


def one_by_one(paths):
    """The result of `parse_patch_name` for each path: (case, y, x, label), or None."""
    names = [parse_patch_name(path.rpartition("/")[2]) for path in paths]
    return [name and (name.case, name.y, name.x, name.label) for name in names]


def all_at_once(paths):
    """The result of `parse_patch_names`, in the same form."""
    numbers, valid = parse_patch_names(paths)
    rows = zip(numbers.tolist(), valid.tolist(), strict=True)
    return [tuple(row) if is_patch else None for row, is_patch in rows]


def test_bulk_parsing_equals_single_parsing():
    paths = [
        "8863_idx5_x451_y1451_class0.png",
        "IDC_regular_ps50_idx5/8863/1/8863_idx5_x51_y1_class1.png",
        "",
        "/",
        "a/999999999_IDX999_X999999999_Y999999999_CLASS1.PNG",
        "/0_idx0_x0_y0_class0.png",
        "7/1_idx5_x1_y1_class0.png/",
        "ä/1_idx5_x1_y1_class0.png",
        "\udcff1_idx5_x1_y1_class0.png",
        "1_idx5_x1_y1_class0.png\n2_idx5_x1_y1_class0.png",
        "png",
        "9_idx5_x1_y1_class1.png",
    ]

    assert all_at_once(paths) == one_by_one(paths)
    assert [path for path, name in zip(paths, all_at_once(paths), strict=True) if name] == [
        paths[number] for number in (0, 1, 4, 5, 7, 11)
    ]


def test_bulk_parsing_of_no_names_is_empty():
    assert all_at_once([]) == []


def test_bulk_parsing_equals_single_parsing_on_corrupted_names():
    rng = random.Random(4)
    paths = []
    for _ in range(5_000):
        characters = list("10253/1/10253_idx5_x1001_y51_class1.png")
        for _ in range(rng.randrange(1, 3)):
            position = rng.randrange(len(characters))
            characters[position] = rng.choice(
                ["", "0", "12345678", "/", "_", "x", "Y", "\0", "é", "\n"]
            )
        paths.append("".join(characters))

    assert all_at_once(paths) == one_by_one(paths)
    assert len({name for name in all_at_once(paths) if name}) > 20
