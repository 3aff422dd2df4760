"""Damaged files and runs on the pages: named, marked, never shown in silence."""

import pytest

from idc.runs.checksums import write_checked
from idc.runs.run import CONFIG_FILE, PREDICTIONS_FILE
from idc.runs.status import STATUS_FILE
from tests.support.app_pages import open_page, text
from tests.support.evaluated_run import evaluated_run


@pytest.fixture
def run(home):
    run = evaluated_run(name="mine")
    path = run.folder / PREDICTIONS_FILE
    write_checked(path, path.read_bytes())
    return run


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def sentences(at):
    return [each.value for each in [*at.error, *at.warning]]


def test_evaluate_with_damaged_predictions_shows_the_sentence_alone(run):
    flip_a_bit(run.folder / PREDICTIONS_FILE)

    at = open_page("evaluate", query={"run": run.id})

    assert not at.exception
    [sentence] = [each.value for each in at.error]
    assert "predictions.parquet' of the run 'mine' is damaged on disk" in sentence
    assert not at.get("bidi_component")


def test_evaluate_offers_to_compute_damaged_predictions_again(run):
    for name in ("best.weights.h5", "best.json"):
        (run.folder / name).write_text("{}")
    flip_a_bit(run.folder / PREDICTIONS_FILE)

    at = open_page("evaluate", query={"run": run.id})

    assert [b.label for b in at.button if b.key == f"recompute_{run.id}"] == ["Compute again"]


def test_evaluate_shows_a_run_with_damaged_status(run):
    (run.folder / STATUS_FILE).write_text("{")

    at = open_page("evaluate", query={"run": run.id})

    assert not at.exception
    assert at.selectbox(key="run").value == run.id
    assert f"{run.id} (damaged)" in at.selectbox(key="run").options
    assert "The status of the run" in text(at)
    assert at.get("bidi_component")


@pytest.mark.parametrize("page", ["evaluate", "compare"])
def test_pickers_name_a_run_with_damaged_settings(run, page):
    (run.folder / CONFIG_FILE).write_text("{")

    at = open_page(page)

    assert not at.exception
    assert "Not listed: The settings of the run" in text(at).replace("\\", "")


def test_evaluate_names_epochs_that_the_log_lacks(run):
    (run.folder / "log.jsonl").write_text("")

    at = open_page("evaluate", query={"run": run.id})

    assert r"mine\: The log lacks epoch 1, so the curves are incomplete." in sentences(at)


@pytest.mark.parametrize("page", ["evaluate", "compare", "labels", "slides", "dataset"])
def test_no_page_fails_on_predictions_replaced_by_a_folder(run, page):
    (run.folder / PREDICTIONS_FILE).unlink()
    (run.folder / PREDICTIONS_FILE).mkdir()

    at = open_page(page, query={"run": run.id})

    assert not at.exception


def test_train_names_damaged_notes(run):
    (run.folder / "notes.json").write_text('{"name": ')

    at = open_page("train", query={"run": run.id})

    assert (
        f"The name and the notes of the run '{run.id}' ('notes.json') are damaged on disk. "
        "Enter them again."
    ) in [sentence.replace("\\", "") for sentence in sentences(at)]


def test_train_names_a_damaged_data_set_in_place_of_its_slide(run, home):
    (home / "data" / "tiny" / "patches.npy").write_bytes(b"")

    at = open_page("train", query={"run": run.id})

    assert "The data set 'tiny' is damaged on disk" in text(at)


def test_home_names_a_damaged_run(run):
    (run.folder / CONFIG_FILE).write_text("{")

    at = open_page("home")

    assert f"The settings of the run '{run.id}' are damaged on disk" in text(at)
    assert "None yet." not in [info.value for info in at.info]


def test_run_with_lost_weights_is_not_called_untrained(run):
    assert "The weights of the run 'mine' are missing on disk" in run.why_no_model()
