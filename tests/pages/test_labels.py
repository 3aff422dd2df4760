import json

import numpy as np
import pandas as pd
import pytest

from idc.datasets.label_marks import Mark, load_marks, save_mark
from idc.datasets.splits import make_split
from idc.datasets.store import open_store
from idc.launch.folds import create_folds, open_folds
from idc.launch.start import create_run
from idc.runs.run import PREDICTIONS_FILE, RunStatus, list_runs
from idc.settings.training_config import preset_config
from tests.support.app_pages import metrics, open_page, text
from tests.support.made_patches import tiny_store

# Rows 0..9 are case 1, labels alternate 0, 1. Doubtful: 5 (p .05), 2 (p .90), 7 (p .15).
Y_PROB = [0.1, 0.9, 0.9, 0.8, 0.2, 0.05, 0.1, 0.15, 0.1, 0.9]


def predicted(run, part, rows, y_prob):
    pd.DataFrame({"row": rows, "probability": np.float32(y_prob), "part": part}).to_parquet(
        run.folder / PREDICTIONS_FILE
    )
    run.write_status(RunStatus(state="finished", epochs=1, epoch=1))


@pytest.fixture
def run(home):
    tiny_store("tiny", cases=4, per_case=10)
    run = create_run(preset_config("notebook", "tiny", epochs=1, name="made"))
    predicted(run, "test", np.arange(10), Y_PROB)
    return run


def grid(at):
    found = [json.loads(element.proto.json) for element in at.get("bidi_component")]
    return next(data for data in found if "tiles" in data)


def shown(at):
    return [(tile["row"], tile["caption"]) for tile in grid(at)["tiles"]]


def labels_page(reviewer="Ana"):
    at = open_page("labels")
    at.text_input(key="reviewer").set_value(reviewer).run()
    assert not at.exception
    return at


def said():
    marks = load_marks("tiny")
    return list(zip(marks["x"], marks["reviewer"], marks["verdict"], strict=True))


def test_doubtful_labels_are_shown_most_doubtful_first(run):
    at = open_page("labels")

    assert shown(at) == [(5, "p 0.05"), (2, "p 0.90"), (7, "p 0.15")]
    assert metrics(at)["Doubtful labels"] == "3"
    assert "**Doubt 1 of 3**, made" in text(at)
    assert grid(at)["opened"] == 5


def test_marking_needs_a_name(run):
    at = open_page("labels")

    assert all(at.button(key=f"mark_{verdict}").disabled for verdict in ("keep", "wrong", "unsure"))
    assert "Write your name above" in at.info[0].value


def test_verdict_is_stored_and_the_next_doubt_opened(run):
    at = labels_page()
    at.button(key="mark_wrong").click().run()

    assert said() == [(251, "Ana", "wrong")]
    [mark] = load_marks("tiny").to_dict("records")
    assert (mark["label"], mark["run"], mark["probability"]) == (1, run.id, np.float32(0.05))
    assert shown(at) == [(5, "wrong"), (2, "p 0.90"), (7, "p 0.15")]
    assert grid(at)["opened"] == 2
    assert at.query_params["patch"] == "1_101_1"

    at.button(key="mark_keep").click().run()
    at.button(key="mark_unsure").click().run()
    assert [verdict for *_, verdict in said()] == ["wrong", "keep", "unsure"]
    assert at.success[0].value == "You have marked all of these patches."


def test_buttons_have_the_keys_one_two_three(run):
    at = labels_page()

    keys = [
        at.button(key=f"mark_{verdict}").proto.shortcut for verdict in ("keep", "wrong", "unsure")
    ]
    assert keys == ["1", "2", "3"]


def test_other_verdicts_are_hidden_until_the_reviewer_marks(run):
    save_mark(Mark("tiny", case=1, x=251, y=1, label=1, verdict="keep", reviewer="Ben"))
    at = labels_page()
    assert "Ben" not in text(at)

    at.button(key="mark_wrong").click().run()
    at.query_params["patch"] = "1_251_1"
    at.run()

    assert "You: **wrong**, Ben: **keep**" in text(at)
    at.button(key="unmark").click().run()
    assert said() == [(251, "Ben", "keep")]


def test_any_patch_of_the_data_set_can_be_opened_and_marked(run):
    at = labels_page()
    at.query_params["patch"] = "3_51_1"
    at.run()
    at.button(key="mark_wrong").click().run()

    assert load_marks("tiny")[["case", "x", "run"]].values.tolist() == [[3, 51, ""]]
    assert grid(at)["opened"] == 5  # the first without a verdict


def test_link_to_a_missing_patch_shows_a_message(run):
    at = labels_page()
    at.query_params["patch"] = "9_1_1"

    assert not at.run().exception
    assert any("holds no patch" in info.value for info in at.info)


def test_random_split_shows_a_warning(home):
    tiny_store("tiny", cases=4, per_case=10)
    run = create_run(preset_config("notebook", "tiny", protocol="random", epochs=1))
    predicted(run, "test", np.arange(10), Y_PROB)

    assert "trained on neighbours" in open_page("labels").warning[0].value


def test_folds_predict_every_patch(run):
    job = create_folds(run, 2)
    runs = []
    for fold in (1, 2):
        config = preset_config("notebook", "tiny", epochs=1, folds=2, fold=fold)
        runs.append(create_run(config))
        rows = np.arange(40)[(fold - 1) * 20 : fold * 20]
        predicted(runs[-1], "test", rows, np.where(rows == 31, 0.0, rows % 2))
    (job.folder / "runs.json").write_text(json.dumps([run.id for run in runs]))
    assert open_folds(job.id).state()[0] == "finished"

    at = open_page("labels")
    at.selectbox(key="run").set_value(run.id).run()

    assert shown(at) == [(31, "p 0.00")]
    assert "2 folds, 2 done. All 2 folds are done." in text(at)


def test_folds_are_started_from_the_page_one_trainer_at_a_time(run, monkeypatch):
    started = []
    monkeypatch.setattr("idc.ui.labels.folds.start_folds", lambda job: started.append(job.folds))
    at = open_page("labels")
    at.number_input(key="folds_count").set_value(3).run()
    at.button(key="start_folds").click().run()

    assert started == [3]
    assert at.button(key="start_folds").disabled  # the job is being started
    assert "is training; only one training runs at a time." in text(at)


def test_running_folds_can_be_stopped(run):
    job = create_folds(run, 2)
    at = open_page("labels")
    at.button(key=f"stop_{job.id}").click().run()

    assert job.stop_requested()
    assert "Stopping at the next step" in text(at)


def test_marked_patches_can_be_left_out_of_the_next_training(run, monkeypatch):
    monkeypatch.setattr("idc.launch.start.start_trainer", lambda run: None)
    for x in (51, 151):
        save_mark(Mark("tiny", case=1, x=x, y=1, label=1, verdict="wrong", reviewer="Ana"))
    at = open_page("train", setup=True)
    at.selectbox(key="protocol").set_value("random").run()
    before = at.table[0].value.loc["patches", "train"]
    toggle = at.toggle(key="leave_out_marked")
    assert toggle.label == "Leave out patches marked wrong (2)"

    toggle.set_value(True).run()

    dropped = int(np.isin([1, 3], make_split(open_store("tiny").index, "random").train).sum())
    assert int(at.table[0].value.loc["patches", "train"]) == int(before) - dropped
    at.button(key="start").click().run()
    new = next(listed for listed in list_runs() if listed.id != run.id)
    assert new.config.leave_out_marked
    assert new.left_out().tolist() == [1, 3]
