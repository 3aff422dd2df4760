"""idc.uploads.file_batch, idc.prediction.file_predictions, idc.prediction.file_job: predict many
files in the background."""

import io
import threading
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from idc.errors import PredictionError, UploadError, UploadTimeout
from idc.files.spreadsheets import spreadsheet_safe
from idc.prediction import file_job
from idc.prediction.file_job import FilePredictionJob
from idc.prediction.file_predictions import FilePredictions
from idc.runs.run import BUNDLED_RUN_ID, open_run
from idc.uploads.file_batch import MAX_IMAGES, batch_files, label_from_path
from tests.support.hostile_files import zip_of
from tests.support.made_patches import png
from tests.support.waiting import wait_until

LONG_S = 120.0  # only keeps broken code from hanging the tests


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("8863_idx5_x451_y1451_class0.png", 0),
        ("any/where/8863_idx5_x451_y1451_class1.png", 1),
        ("0/8863_idx5_x451_y1451_class1.png", 1),  # the file name takes precedence over the folder
        ("tissue_class1.tif", 1),
        ("Class 0 - left.jpg", 0),
        ("subclass1.png", None),
        ("class10.png", None),
        ("0/a.png", 0),
        ("0/1/a.png", 1),
        ("1/more/a.png", 1),
        ("1\\a.png", 1),
        ("01/a.png", None),
        ("1.png", None),
    ],
)
def test_label_is_read_from_the_name_or_else_the_nearest_folder(name, label):
    assert label_from_path(name) == label


def test_batch_contains_images_and_members_of_zips():
    inside = zip_of({"1/a.png": b"A", "b.png": b"B", "__MACOSX/._a.png": b"litter"})
    files = batch_files([("alone.png", b"C"), ("case.zip", inside)])

    assert [(file.name, file.label, file.read()) for file in files] == [
        ("alone.png", None, b"C"),
        ("case.zip/1/a.png", 1, b"A"),
        ("case.zip/b.png", None, b"B"),
    ]
    assert [file.name for file in batch_files([("case.zip", inside)])] == ["1/a.png", "b.png"]


def test_refused_zip_is_one_entry_among_good_files():
    files = batch_files([("bad.zip", b"PK\3\4"), ("good.png", b"A")])

    with pytest.raises(UploadError, match=r"^bad\.zip is damaged or incomplete"):
        files[0].read()
    assert files[1].read() == b"A"


def test_too_many_files_are_refused(monkeypatch):
    monkeypatch.setattr("idc.uploads.file_batch.MAX_IMAGES", 2)
    assert MAX_IMAGES == 10_000
    with pytest.raises(UploadError, match="more than 2 images"):
        batch_files([(f"{number}.png", b"") for number in range(3)])


def answers(
    *rows: tuple[str, int, float],
    problems: tuple[str, ...] = (),
    warnings: tuple[str, ...] = (),
) -> FilePredictions:
    names, labels, y_prob = zip(*rows, strict=True)
    return FilePredictions(
        names,
        np.array(labels, np.int8),
        np.array(y_prob),
        problems or ("",) * len(rows),
        warnings or ("",) * len(rows),
        np.zeros((len(rows), 50, 50, 3), np.uint8),
    )


FIVE = answers(("b", 0, 0.2), ("a", 1, 0.9), ("c", -1, 0.6), ("d", 1, 0.1), ("e", 0, float("nan")))


def test_matrix_counts_files_with_label_and_prediction():
    assert FIVE.matrix(0.5) == ((1, 0), (1, 1))
    assert FIVE.positives(0.5) == 2


def test_probability_just_below_the_threshold_is_negative_everywhere():
    five = replace(FIVE, y_prob=FIVE.y_prob.astype(np.float32))
    threshold = float(np.float32(0.9)) + 1e-10  # equal to the probability as float32

    assert five.positives(threshold) == 0
    assert five.matrix(threshold) == ((1, 0), (2, 0))
    assert "IDC-positive" not in five.csv(threshold, "once")


def test_matrix_cell_selects_exactly_its_files():
    opened = {cell: np.flatnonzero(FIVE.in_cell(cell, 0.5)).tolist() for cell in ("tn", "fn", "tp")}

    assert opened == {"tn": [0], "fn": [3], "tp": [1]}
    assert np.flatnonzero(FIVE.in_cell(None, 0.5)).tolist() == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="Received: 'xx'"):
        FIVE.in_cell("xx", 0.5)


@pytest.mark.parametrize(
    ("by", "descending", "places"),
    [
        ("place", False, [0, 1, 2, 3]),
        ("name", False, [1, 0, 2, 3]),
        ("name", True, [3, 2, 0, 1]),
        ("y_prob", True, [1, 2, 0, 3]),
        ("label", True, [1, 3, 0, 2]),
    ],
)
def test_sorting_is_stable_in_both_directions(by, descending, places):
    assert FIVE.sorted_positions(FIVE.answered(), by, descending=descending).tolist() == places


def test_csv_has_a_row_for_every_file():
    two = answers(
        ("a", 1, 0.75),
        ("b", -1, float("nan")),
        problems=("", "b is empty."),
        warnings=("It is grey.", ""),
    )
    text = two.csv(0.5, "once")

    assert text == (
        "file,label,probability,prediction,threshold,model,warning,problem\r\n"
        "a,1,0.750000,IDC-positive,0.500000,once,It is grey.,\r\n"
        "b,,,,0.500000,once,,b is empty.\r\n"
    )


@pytest.mark.parametrize(
    "name",
    [
        "=cmd|' /C calc'!A0",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "  =1",
        "＝1",
        '=HYPERLINK("x")',
    ],
)
def test_formula_in_a_name_is_escaped(name):
    assert spreadsheet_safe(name) == f"'{name}"

    table = pd.read_csv(io.StringIO(answers((name, 0, 0.5)).csv(0.5, name)), dtype=str)
    assert table["file"][0].startswith("'") and table["model"][0].startswith("'")


@pytest.mark.parametrize("name", ["", "a=b", "8863/0/a.png", "x - y"])
def test_ordinary_name_is_unchanged(name):
    assert spreadsheet_safe(name) == name


class Model:
    """Returns the mean brightness of each patch, and a warning of the black ones; waits while
    `may_go_on` is not set."""

    def __init__(self, monkeypatch) -> None:
        self.may_go_on, self.requests = threading.Event(), 0
        self.may_go_on.set()
        monkeypatch.setattr(file_job, "predict_with_warnings", self.predict)

    def predict(self, run, patches) -> tuple[np.ndarray, list[list[str]]]:
        self.requests += 1
        assert self.may_go_on.wait(LONG_S)
        y_prob = (patches.reshape(len(patches), -1).mean(axis=1) / 255).astype(np.float32)
        return y_prob, [[] if one else ["It is black."] for one in y_prob]


@pytest.fixture
def model(monkeypatch) -> Model:
    return Model(monkeypatch)


def grey_pngs(count: int) -> list[tuple[str, bytes]]:
    return [(f"{number}.png", png((number % 250,) * 3)) for number in range(count)]


def started(files) -> FilePredictionJob:
    job = FilePredictionJob(open_run(BUNDLED_RUN_ID), batch_files(files))
    job.start()
    return job


def test_each_file_gets_its_own_probability_or_problem(model):
    files = grey_pngs(150)
    files[70] = ("70.png", b"these are words")
    files[71] = ("71.png", png((1, 2, 3), height=500, width=50))
    job = started(files)
    job.wait(LONG_S)
    predictions = job.answers()

    good = [number for number in range(150) if number not in (70, 71)]
    np.testing.assert_allclose(predictions.y_prob[good], np.array(good) / 255, atol=1e-6)
    assert np.flatnonzero(~predictions.answered()).tolist() == [70, 71]
    assert predictions.problems[70].startswith("70.png is not a PNG, JPEG")
    assert predictions.problems[71].startswith(
        "71.png is 50 x 500 px, which is larger than a patch; "
    )
    assert {predictions.problems[number] for number in good} == {""}
    assert (job.state().done, job.state().total, job.state().running) == (150, 150, False)


def test_warning_joins_the_conversions_of_an_image_and_those_of_the_model(model):
    job = started([("a.png", png((9, 9, 9))), ("b.png", png((0, 0, 0), height=25, width=25))])
    job.wait(LONG_S)

    first, second = job.answers().warnings
    assert first == ""
    assert second.startswith("Resized from 25 x 25 to 50 x 50 px.")
    assert second.endswith(" It is black.")


def test_stop_keeps_predictions_and_marks_the_rest_as_not_read(model):
    model.may_go_on.clear()
    job = started(grey_pngs(300))
    wait_until(lambda: model.requests == 1, "the first batch is being answered")
    job.stop()
    model.may_go_on.set()
    job.wait(LONG_S)
    predictions = job.answers()

    assert 64 <= job.state().done < 300
    assert predictions.answered()[:64].all() and not predictions.answered()[-1]
    assert predictions.problems[-1] == "was not read because the job was stopped."
    assert job.state().problem == ""


def test_time_left_is_known_while_the_job_runs(model):
    model.may_go_on.clear()
    files = [(f"{n}.png", b"") for n in range(64)] + grey_pngs(3)
    job = started(files)
    wait_until(lambda: job.state().done == 64, "the bad files are refused")
    assert job.state().running and job.state().seconds_left > 0
    model.may_go_on.set()
    job.wait(LONG_S)

    assert job.state().seconds_left is None


def test_too_many_slow_files_end_the_job(model, monkeypatch):
    def slow(data, name, **_):
        raise UploadTimeout(f"{name} takes longer than 4.5 s to read.")

    monkeypatch.setattr(file_job, "decode_patch_image", slow)
    job = started(grey_pngs(50))
    job.wait(LONG_S)

    assert job.state().done == file_job.MAX_SLOW_FILES
    assert job.state().problem.startswith("5 files took too long to read")


def test_failing_model_ends_the_job_with_its_message(monkeypatch):
    def fails(run, patches):
        raise PredictionError("The model did not answer in time; try again.")

    monkeypatch.setattr(file_job, "predict_with_warnings", fails)
    job = started(grey_pngs(3))
    job.wait(LONG_S)

    assert job.state().problem == "The model did not answer in time; try again."
    assert not job.answers().answered().any()


def test_patches_of_all_jobs_are_limited_until_freed(model, monkeypatch):
    monkeypatch.setattr(
        file_job, "MAX_PATCHES_IN_MEMORY", sum(len(job) for job in file_job._jobs) + 5
    )
    first = started(grey_pngs(3))
    with pytest.raises(UploadError, match="memory for uploaded images is full"):
        started(grey_pngs(3))
    first.wait(LONG_S)
    del first
    wait_until(lambda: gone(3), "the first job is freed")

    started(grey_pngs(3)).wait(LONG_S)


def gone(count: int) -> bool:
    import gc

    gc.collect()
    return not any(len(job) == count for job in file_job._jobs)
