"""idc.datasets.description: what a data set holds, in memory and in its store."""

import json

import numpy as np
import pytest

from idc.datasets.description import KAGGLE_DESCRIPTION, DataDescription, number_cases
from idc.datasets.store import META_FILE, PackReport, open_store, verify_store
from idc.datasets.store_writer import Patch, PatchBlock, StoreWriter
from idc.errors import DataError
from idc.files.home import data_dir
from idc.patches import PatchName

CATS = DataDescription(
    side_px=32,
    mpp_um=None,
    class_names=("cat", "dog"),
    case_names=("Tom", "Zoe"),
    has_places=False,
    has_parts=True,
)


def write_cats(home):
    pixels = np.arange(3 * 32 * 32 * 3, dtype=np.uint32).reshape(3, 32, 32, 3).astype(np.uint8)
    names = np.array([[0, 0, 0, 0], [0, 0, 1, 1], [1, 0, 0, 1]], np.int32)
    block = PatchBlock(names, pixels, np.full((3, 2), 32, np.int16), np.array([0, 1, 2], np.int8))
    with StoreWriter("cats", 3, description=CATS) as writer:
        writer.add_block(block)
        writer.finish(PackReport(("cats",)))
    return pixels


def test_store_keeps_side_classes_cases_and_parts(home):
    pixels = write_cats(home)

    store = open_store("cats")

    assert store.description == CATS
    assert store.patches.shape == (3, 32, 32, 3)
    assert np.array_equal(store.patches, pixels)
    assert store.index["part"].tolist() == [0, 1, 2]
    assert [store.description.case_name(case) for case in store.cases] == ["Tom", "Tom", "Zoe"]
    assert verify_store("cats") == (3, 2)


def test_store_of_the_kaggle_set_is_written_as_before(home):
    with StoreWriter("kaggle", 1) as writer:
        writer.add([Patch(PatchName(8863, 1, 51, 0), np.zeros((50, 50, 3), np.uint8))])
        writer.finish(PackReport(("zip",)))

    meta = json.loads((data_dir() / "kaggle" / META_FILE).read_text())

    assert "description" not in meta
    assert open_store("kaggle").description == KAGGLE_DESCRIPTION
    assert list(open_store("kaggle").columns) == ["case", "x", "y", "label", "height", "width"]


def test_description_survives_json():
    assert DataDescription.from_json(json.loads(json.dumps(CATS.to_json()))) == CATS
    assert DataDescription.from_json(None) == KAGGLE_DESCRIPTION


@pytest.mark.parametrize(
    "value",
    [{}, {"class_names": ["a"], "case_names": []}, {"class_names": ["a", "b"]}, [], "text"],
    ids=["empty", "one class", "no cases", "list", "text"],
)
def test_damaged_description_is_refused(value):
    with pytest.raises(DataError, match="The description of the data set is damaged"):
        DataDescription.from_json(value)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"side_px": 27}, "The side of a patch must lie between 28 and 512 px"),
        ({"side_px": 513}, "The side of a patch must lie between 28 and 512 px"),
        ({"mpp_um": 0.01}, "The scale must lie between 0.05 and 16 um per pixel"),
        ({"class_names": ("a", "a")}, "The two classes need different names"),
        ({"class_names": ("", "b")}, "The two classes need different names"),
        ({"class_names": ("a", "b\n")}, "The two classes need different names"),
    ],
)
def test_values_out_of_range_are_refused(fields, sentence):
    with pytest.raises(DataError, match=sentence):
        DataDescription(**fields)


def test_only_the_kaggle_description_is_the_idc_set():
    assert KAGGLE_DESCRIPTION.is_idc_set
    assert not DataDescription(class_names=("benign", "malignant")).is_idc_set
    assert not DataDescription(side_px=96).is_idc_set


def test_whole_numbers_stay_case_numbers():
    numbers, names = number_cases(["8863", "12", "8863"])

    assert (numbers.tolist(), names) == ([8863, 12, 8863], ())


@pytest.mark.parametrize("odd", ["TCGA-A1", "007", "1234567890", "٣"])
def test_other_case_names_are_numbered_in_their_order(odd):
    numbers, names = number_cases(["1", odd, "1"])

    assert names == tuple(sorted(["1", odd]))
    assert [names[number] for number in numbers] == ["1", odd, "1"]


def test_titles_and_sizes_say_only_what_is_known():
    placed = DataDescription(96, 0.5, ("benign", "malignant"), ("TCGA-A1",))
    bare = DataDescription(32, None, ("cat", "dog"), has_cases=False, has_places=False)

    assert KAGGLE_DESCRIPTION.patch_title(8863, 451, 1451) == "case 8863, x 451, y 1451"
    assert placed.patch_title(0, 96, 192) == "case TCGA-A1, x 96, y 192"
    assert CATS.patch_title(1, 3, 0) == "case Zoe, patch 3"
    assert bare.patch_title(0, 3, 0) == "patch 3"
    assert placed.size_text(96, 96) == "48 × 48 µm of tissue"
    assert bare.size_text(32, 20) == "20 × 32 px, unknown scale"
    assert (KAGGLE_DESCRIPTION.target, bare.target) == ("IDC", "dog")
