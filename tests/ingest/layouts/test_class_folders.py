"""Class folders with any names, formats and sizes: what is recognised, and what is stored."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from idc.datasets.store import open_store
from idc.errors import DataError
from idc.ingest.layouts.plan import PackOptions
from idc.ingest.pack_data import pack_data, preview_data
from tests.support.picture_trees import encoded, write_tree


def pack(folder, **options):
    paths = folder if isinstance(folder, list) else [folder]
    pack_data(paths, "set", PackOptions(**options))
    return open_store("set")


@pytest.mark.parametrize(
    ("negative", "positive"),
    [("0", "1"), ("negative", "positive"), ("benign", "malignant"), ("Normal", "Tumor")],
)
def test_known_pair_of_folders_gives_the_labels(home, tmp_path, negative, positive):
    names = [f"{negative}/a.png", f"{negative}/b.png", f"{positive}/c.png"]
    pictures = write_tree(tmp_path, names)

    store = pack(tmp_path)

    assert store.labels.tolist() == [0, 0, 1]
    assert [np.array_equal(store.patches[row], pictures[names[row]]) for row in range(3)] == [
        True
    ] * 3
    shown = (f"class {negative}", f"class {positive}") if negative == "0" else (negative, positive)
    assert store.description.class_names == shown
    assert not store.description.has_cases
    assert not store.description.has_places


def test_two_folders_given_as_two_paths_are_two_classes(home, tmp_path):
    write_tree(tmp_path, ["cats/a.png", "dogs/b.png", "dogs/c.png"])

    store = pack([tmp_path / "cats", tmp_path / "dogs"], positive=("cats",))

    assert store.labels.tolist() == [1, 0, 0]
    assert store.description.class_names == ("dogs", "cats")


def test_unknown_pair_asks_for_the_positive_class(home, tmp_path):
    write_tree(tmp_path, ["cats/a.png", "dogs/b.png"])

    with pytest.raises(DataError) as refused:
        pack(tmp_path)

    assert str(refused.value) == (
        "Which class is positive? The classes are 'cats', 'dogs'; name one with --positive, or "
        "several separated by commas. All others become the negative class."
    )
    preview, _, _ = preview_data([tmp_path])
    assert preview.question == str(refused.value)
    assert preview.classes == {"cats": 1, "dogs": 1}


def test_several_classes_become_two_by_the_positive_ones(home, tmp_path):
    names = ["Benign/a.tif", "InSitu/b.tif", "Invasive/c.tif", "Normal/d.tif"]
    write_tree(tmp_path, names)

    store = pack(tmp_path, positive=("InSitu", "Invasive"))

    assert store.labels.tolist() == [0, 1, 1, 0]
    assert store.description.class_names == ("Benign or Normal", "InSitu or Invasive")


def test_several_classes_without_a_choice_are_named(home, tmp_path):
    write_tree(tmp_path, ["a/1.png", "b/1.png", "c/1.png"])

    with pytest.raises(DataError, match=r"There are 3 folders \(a, b, c\) instead of two class"):
        pack(tmp_path)


def test_parts_above_classes_become_the_given_parts(home, tmp_path):
    names = [
        f"{part}/{label}/{number}.jpg"
        for part in ("train", "valid", "test")
        for label in ("neg", "pos")
        for number in (1, 2)
    ]
    write_tree(tmp_path, names)

    store = pack(tmp_path)

    assert store.description.has_parts
    expected = sorted((("train", "valid", "test").index(n.split("/")[0]), n) for n in names)
    assert sorted(store.index["part"].tolist()) == [part for part, _ in expected]
    by_part = store.index.groupby("part")["label"].apply(list).to_dict()
    assert by_part == {0: [0, 0, 1, 1], 1: [0, 0, 1, 1], 2: [0, 0, 1, 1]}


def test_folders_below_the_class_are_cases_with_any_name(home, tmp_path):
    names = ["benign/TCGA-A1-A0SB/1.png", "benign/TCGA-A2/1.png", "malignant/TCGA-A2/2.png"]
    write_tree(tmp_path, names)

    store = pack(tmp_path)

    assert store.description.case_names == ("TCGA-A1-A0SB", "TCGA-A2")
    assert store.cases.tolist() == [0, 1, 1]
    assert store.labels.tolist() == [0, 0, 1]


def test_folders_above_the_class_are_cases(home, tmp_path):
    write_tree(tmp_path, ["P1/0/a.png", "P1/1/b.png", "P2/0/c.png"])

    store = pack(tmp_path)

    assert [store.description.case_name(case) for case in store.cases] == ["P1", "P1", "P2"]


def test_cases_are_left_out_on_request(home, tmp_path):
    write_tree(tmp_path, ["P1/0/a.png", "P2/1/b.png"])

    store = pack(tmp_path, with_cases=False)

    assert not store.description.has_cases
    assert store.cases.tolist() == [0, 0]


def test_pattern_gives_case_place_and_label(home, tmp_path):
    write_tree(tmp_path, ["s7_x64_y32_pos.png", "s7_x32_y32_neg.png", "s9_x0_y0_neg.png"])
    pattern = r"s(?P<case>\d+)_x(?P<x>\d+)_y(?P<y>\d+)_(?P<label>neg|pos)"

    store = pack(tmp_path, pattern=pattern, mpp_um=1.0)

    assert store.index[["case", "x", "y", "label"]].to_numpy().tolist() == [
        [7, 32, 32, 0],
        [7, 64, 32, 1],
        [9, 0, 0, 0],
    ]
    assert store.description.has_places
    assert store.description.mpp_um == 1.0


def test_places_and_scale_follow_another_side(home, tmp_path):
    write_tree(tmp_path, ["s7_x65_y33_pos.png", "s7_x33_y33_neg.png"])
    pattern = r"s(?P<case>\d+)_x(?P<x>\d+)_y(?P<y>\d+)_(?P<label>neg|pos)"

    store = pack(tmp_path, pattern=pattern, mpp_um=1.0, side_px=64)

    assert store.index[["x", "y"]].to_numpy().tolist() == [[66, 66], [130, 66]]
    assert store.patches.shape == (2, 64, 64, 3)
    assert store.description.mpp_um == 0.5


def test_places_off_the_grid_are_ignored_and_said(home, tmp_path):
    write_tree(tmp_path, ["s7_x10_y0_pos.png", "s7_x0_y0_neg.png"])
    pattern = r"s(?P<case>\d+)_x(?P<x>\d+)_y(?P<y>\d+)_(?P<label>neg|pos)"

    store = pack(tmp_path, pattern=pattern)

    assert not store.description.has_places
    assert "The places are not on a grid of the patches' size, so they are ignored." in (
        store.report.notes
    )


def test_pattern_that_misses_a_file_names_it(home, tmp_path):
    write_tree(tmp_path, ["a_pos.png", "b.png"])

    with pytest.raises(DataError, match=r"The pattern matches 1 of 2 files, but not '.*b\.png'"):
        pack(tmp_path, pattern="(?P<label>pos|neg)")


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        ("(", "The pattern is not a regular expression"),
        (r"\d+", "The pattern needs named groups among case, x, y and label"),
        (r"(?P<slide>\d+)", "The pattern needs named groups among case, x, y and label"),
    ],
)
def test_pattern_without_the_named_groups_is_refused(pattern, sentence):
    with pytest.raises(DataError, match=sentence):
        PackOptions(pattern=pattern)


def test_pictures_of_different_sizes_are_cut_to_the_middle_square(home, tmp_path):
    pictures = write_tree(tmp_path, ["0/a.png"], size=(40, 60))
    write_tree(tmp_path, ["1/b.png"], size=(300, 200))

    store = pack(tmp_path, side_px=40)

    assert np.array_equal(store.patches[0], pictures["0/a.png"][:, 10:50])
    assert store.report.notes[-1] == "2 patches resized to 40x40 px."
    assert "The pictures have different sizes (60x40 to 200x300 px)." in store.report.notes


def test_pictures_without_a_common_size_are_stored_with_128_px(home, tmp_path):
    write_tree(tmp_path, ["0/a.png"], size=(40, 60))
    write_tree(tmp_path, ["1/b.png"], size=(300, 200))

    assert pack(tmp_path).description.side_px == 128


def test_likely_copies_are_counted_and_left_out_on_request(home, tmp_path):
    write_tree(
        tmp_path,
        ["0/a.png", "0/a (1).png", "0/a_rot90.png", "1/aug_0_b.png", "1/b.png", "1/c (2).png"],
    )

    preview, _, _ = preview_data([tmp_path])
    store = pack(tmp_path, skip_copies=True)

    assert (preview.patches, preview.copies) == (6, 3)
    assert len(store) == 3


def test_damaged_picture_is_skipped_counted_and_named(home, tmp_path):
    write_tree(tmp_path, ["0/a.png", "1/b.png", "1/c.png"])
    (tmp_path / "1/b.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")

    store = pack(tmp_path)

    assert len(store) == 2
    assert store.report.damaged == 1
    assert [name.split("/", 1)[1] for name in store.report.damaged_names] == ["1/b.png"]


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["notes.txt"], "There is no picture in"),
        (["x/a.png", "x/b.png"], "All pictures lie in '.*/x', and their names tell no class"),
        (["0/a.png"], "All pictures lie in"),
    ],
)
def test_layout_that_is_not_understood_names_what_was_found(home, tmp_path, names, sentence):
    write_tree(tmp_path, [name for name in names if name.endswith(".png")])
    for name in names:
        (tmp_path / name).touch()

    with pytest.raises(DataError, match=sentence):
        pack(tmp_path)


def test_patches_named_as_in_the_kaggle_set_keep_their_parts(home, tmp_path):
    names = [
        "train/0/1_idx5_x1_y1_class0.png",
        "train/1/1_idx5_x51_y1_class1.png",
        "test/0/2_idx5_x1_y1_class0.png",
    ]
    write_tree(tmp_path, names, size=(50, 50))

    store = pack(tmp_path)

    assert store.description.is_idc_set and store.description.has_parts
    assert store.index["part"].tolist() == [0, 0, 2]
    assert store.index["x"].tolist() == [1, 51, 1]


def test_patches_named_as_in_the_kaggle_set_are_previewed_as_packed(home, tmp_path):
    write_tree(tmp_path, ["1_idx5_x1_y1_class0.png"], size=(50, 50))

    preview, sample, classes = preview_data([tmp_path])

    assert (preview.side_px, preview.mpp_um, preview.has_places) == (50, 4.0, True)
    assert classes == ["IDC-negative"]
    assert len(sample.pictures) == 1


def test_names_that_state_another_label_than_the_folder_are_counted(home, tmp_path):
    write_tree(tmp_path, ["0/a_class1.png", "0/b_class0.png", "1/c_class1.png", "1/d.png"])

    store = pack(tmp_path)

    assert store.labels.tolist() == [0, 0, 1, 1]
    assert (
        "Folder and file name state different labels for 1 file; the label of the folder is used."
        in store.report.notes
    )


def test_folder_that_holds_an_archive_alone_names_it(home, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "readme.txt").write_text("words")
    (tmp_path / "in" / "Patches.TAR.gz").write_bytes(b"an archive")

    with pytest.raises(DataError) as refused:
        pack(tmp_path / "in")

    assert str(refused.value) == (
        "There is no picture in 'in', but an archive, 'Patches.TAR.gz'; unpack it and give the "
        "folder."
    )


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_picture_of_more_than_a_mebibyte_is_packed(home, tmp_path, kind):
    noise = np.random.default_rng(0).integers(0, 256, (640, 640, 3), np.uint8)
    for name in ("benign", "malignant"):
        (tmp_path / "set" / name).mkdir(parents=True)
        (tmp_path / "set" / name / "a.png").write_bytes(encoded(noise))
    source = tmp_path / "set"
    if kind == "zip":
        source = Path(shutil.make_archive(str(tmp_path / "set"), "zip", source))

    store = pack(source)

    assert (tmp_path / "set/benign/a.png").stat().st_size > 2**20
    assert len(store) == 2


def test_breakhis_tree_gives_the_patients_as_cases(home, tmp_path):
    top = "BreaKHis_v1/histology_slides/breast"
    names = [
        f"{top}/benign/SOB/adenosis/SOB_B_A_14-22549AB/{zoom}X/SOB_B_A-14-22549AB-{zoom}-001.png"
        for zoom in (40, 400)
    ]
    names += [
        f"{top}/malignant/SOB/lobular_carcinoma/SOB_M_LC_14-12204/40X/a-{n}.png" for n in "12"
    ]
    write_tree(tmp_path, names)

    store = pack(tmp_path / "BreaKHis_v1")

    assert store.description.class_names == ("benign", "malignant")
    assert store.description.case_names == ("SOB_B_A_14-22549AB", "SOB_M_LC_14-12204")
    assert store.labels.tolist() == [0, 0, 1, 1]


def test_bach_tree_of_four_classes_is_packed_with_two_positive(home, tmp_path):
    names = [f"Photos/{c}/{c[:2]}001.tif" for c in ("Normal", "Benign", "InSitu", "Invasive")]
    write_tree(tmp_path, names, size=(96, 128))

    store = pack(tmp_path / "Photos", positive=("InSitu", "Invasive"), side_px=64, mpp_um=0.42)

    assert store.description.class_names == ("Benign or Normal", "InSitu or Invasive")
    assert store.description.mpp_um == pytest.approx(0.42 * 96 / 64)
