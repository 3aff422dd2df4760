"""Home's form for own files: checked, asked about, packed."""

import base64
import threading

import cv2
import numpy as np
import pytest

from idc.datasets.store import list_stores, open_store
from idc.ingest import packing_job
from idc.ingest.layouts.plan import PackOptions
from idc.ingest.recorded_source import read_source
from tests.support.app_pages import open_page, text
from tests.support.picture_trees import write_tree

TWO_CLASSES = ["cats/a.jpg", "cats/b.jpg", "cats/c_rot90.jpg", "dogs/d.jpg", "dogs/e.jpg"]


@pytest.fixture(autouse=True)
def no_jobs(home):
    packing_job._jobs.clear()
    packing_job._previews.clear()


def wait_for_processes():
    for thread in threading.enumerate():
        if thread.name.startswith("pack-"):
            thread.join()


def check(path, name="pets", **fields):
    """Home after the check of some files."""
    at = open_page("home")
    at.text_area(key="pack_paths").set_value(str(path))
    at.text_input(key="pack_name").set_value(name)
    for key, value in fields.items():
        at.text_input(key=f"pack_{key}").set_value(value)
    next(button for button in at.button if button.label == "Check the files").click().run()
    wait_for_processes()
    return at.run()


def pack(at):
    at.button(key="pack_now").click().run()
    wait_for_processes()
    return at.run()


def shown(at):
    return text(at).replace("\\", "")


def test_check_shows_counts_and_pictures_and_packs_nothing(home, tmp_path):
    write_tree(tmp_path, TWO_CLASSES, size=(40, 60))

    at = check(tmp_path)

    assert "Recognised: class folders" in shown(at)
    assert "5 patches (cats: 3, dogs: 2)" in shown(at)
    assert "Sizes in a sample: 60x40 px: 5" in shown(at)
    assert "1 likely copies by their names" in shown(at)
    assert list(packing_job._previews.list_jobs()[0].sheet) == ["cats", "dogs"]
    assert list_stores() == []


def test_contact_sheet_holds_the_pictures_of_one_class(home, tmp_path):
    pictures = write_tree(tmp_path, ["cats/a.png", "dogs/b.png"], size=(96, 96))

    check(tmp_path)

    png = base64.b64decode(packing_job._previews.list_jobs()[0].sheet["dogs"])
    strip = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert np.array_equal(strip, pictures["dogs/b.png"])


def test_unknown_pair_cannot_be_packed_before_the_positive_class_is_chosen(home, tmp_path):
    write_tree(tmp_path, TWO_CLASSES)
    at = check(tmp_path)
    assert at.button(key="pack_now").disabled

    at.selectbox(key="pack_which").set_value("cats").run()
    assert [
        at.text_input(key=key).value for key in ("pack_negative_dogs", "pack_positive_cats")
    ] == [
        "dogs",
        "cats",
    ]
    at = pack(at)

    assert at.success[0].value == "**pets** is packed and ready."
    assert open_store("pets").description.class_names == ("dogs", "cats")
    assert open_store("pets").labels.mean() == 0.6


def test_answers_are_stored_and_recorded_for_packing_again(home, tmp_path):
    write_tree(tmp_path, TWO_CLASSES)
    at = check(tmp_path)
    at.selectbox(key="pack_which").set_value("cats").run()
    at.text_input(key="pack_positive_cats").set_value("tumour")
    at.number_input(key="pack_side").set_value(64)
    at.number_input(key="pack_mpp").set_value(0.5)
    at.checkbox(key="pack_skip_copies").check().run()

    pack(at)

    store = open_store("pets")
    about = store.description
    assert (about.class_names, about.side_px, about.mpp_um) == (("dogs", "tumour"), 64, 0.25)
    assert (len(store), about.has_cases) == (4, False)
    assert read_source("pets").options == PackOptions(
        positive=("cats",),
        class_names=("dogs", "tumour"),
        side_px=64,
        mpp_um=0.5,
        skip_copies=True,
        with_cases=False,
    )


def test_files_without_cases_allow_a_random_split_only_and_the_page_says_so(home, tmp_path):
    write_tree(tmp_path, ["benign/a.png", "malignant/b.png"])

    at = check(tmp_path)

    assert at.warning[0].value.startswith("Only a random split is possible. It flatters:")
    at.radio(key="pack_cases_No").set_value("Yes").run()
    assert "The files do not tell the patients yet." in at.info[-1].value
    assert at.button(key="pack_now").disabled


@pytest.mark.parametrize(("answer", "has_cases"), [("Yes", True), ("No", False)])
def test_cases_found_in_folders_are_kept_unless_denied(home, tmp_path, answer, has_cases):
    write_tree(tmp_path, ["benign/P1/a.png", "benign/P2/b.png", "malignant/P3/c.png"])
    at = check(tmp_path)
    assert "Cases: 3" in shown(at)

    at.radio(key="pack_cases_Yes").set_value(answer).run()
    pack(at)

    assert open_store("pets").description.has_cases is has_cases


def test_several_classes_are_packed_against_the_named_one(home, tmp_path):
    write_tree(tmp_path, ["InSitu/a.png", "Invasive/b.png", "Normal/c.png"])
    at = check(tmp_path)
    assert at.error[0].value.replace("\\", "").startswith("There are 3 folders (InSitu, Invasive,")
    assert '"Positive class"' in at.error[0].value
    assert "--positive" not in at.error[0].value

    at = pack(check(tmp_path, positive="InSitu, Invasive"))

    assert open_store("pets").description.class_names == ("Normal", "InSitu or Invasive")


def test_pattern_tells_the_cases(home, tmp_path):
    write_tree(tmp_path, ["0/TCGA-A1_1.png", "0/TCGA-A1_2.png", "1/TCGA-B2_1.png"])

    pack(check(tmp_path, pattern=r"(?P<case>TCGA-\w\d)"))

    assert open_store("pets").description.case_names == ("TCGA-A1", "TCGA-B2")


def test_equal_class_names_are_refused_in_one_sentence(home, tmp_path):
    write_tree(tmp_path, ["benign/a.png", "malignant/b.png"])
    at = check(tmp_path)

    at.text_input(key="pack_negative_benign").set_value("malignant").run()

    assert at.error[0].value.startswith("The two classes need different names")
    assert not at.exception


def test_folder_names_are_shown_literally(home, tmp_path):
    write_tree(tmp_path, ["**b**/a.png", "[c](d)/b.png"])

    assert "\\*\\*b\\*\\*\\: 1" in text(check(tmp_path))


def test_kaggle_names_are_packed_without_questions(home, tmp_path):
    names = ["1_idx5_x1_y1_class0.png", "2_idx5_x1_y1_class1.png"]
    write_tree(tmp_path, names, size=(50, 50))

    at = check(tmp_path)
    assert "Recognised: patches named as in the Kaggle set" in shown(at)
    assert not at.radio
    pack(at)

    assert open_store("pets").description.is_idc_set
    assert read_source("pets").options == PackOptions()
