import json

import numpy as np
import pandas as pd
import pytest

from idc.launch.start import create_run
from idc.runs.log import LogWriter
from idc.runs.run import PREDICTIONS_FILE, RunStatus
from idc.settings.training_config import preset_config
from tests.support.app_pages import open_page, text
from tests.support.made_patches import tiny_store


def scored_run(name, y_prob, rows=None):
    run = create_run(preset_config("notebook", "tiny", epochs=1, name=name))
    rows = np.arange(len(y_prob)) if rows is None else rows
    pd.DataFrame({"row": rows, "probability": np.float32(y_prob), "part": "test"}).to_parquet(
        run.folder / PREDICTIONS_FILE
    )
    run.write_status(RunStatus(state="finished", epochs=1, epoch=1))
    return run


@pytest.fixture
def runs(home):
    """Two runs on 20 patches of two cases: the older predicts only negative, the newer is right."""
    tiny_store("tiny", cases=4, per_case=10)
    older = scored_run("timid", [0.1] * 20)
    newer = scored_run("good", [0.05, 0.95] * 10)
    return older, newer


def compare_page(*runs):
    at = open_page("compare")
    at.multiselect(key="runs").set_value([run.id for run in runs]).run()
    assert not at.exception
    return at


def grid(at):
    found = [json.loads(element.proto.json) for element in at.get("bidi_component")]
    return next(data for data in found if "tiles" in data)


def test_one_run_cannot_be_compared(home):
    tiny_store("tiny", cases=4, per_case=10)
    scored_run("alone", [0.1] * 20)

    at = open_page("compare")

    assert at.info[0].value == "Choose a second run to compare."
    assert len(at.multiselect(key="runs").options) == 2  # the bundled model can be chosen


def test_scores_stand_beside_their_paired_difference(runs):
    at = compare_page(*runs)

    table = at.table[1].value
    assert table.columns.tolist() == ["1: timid", "2: good", "difference, 2: good"]
    assert table.loc["Accuracy"].tolist() == ["0.500", "1.000", "**+0.500 (+0.500 to +0.500)**"]
    assert table.loc["Precision"].tolist() == ["–", "1.000", "–"]
    assert "All runs have scored the same 20 patches of 2 cases." in text(at)
    assert "the interval of its difference is biased towards 0" in text(at)


def test_matrix_differences_are_shown(runs):
    at = compare_page(*runs)

    table = at.table[2].value
    assert table.loc["Missed IDC"].tolist() == ["10", "0", "−10"]
    assert table.loc["True negative"].tolist() == ["10", "10", "+0"]


def test_curves_of_all_runs_share_one_chart(runs):
    charts = [json.loads(chart.proto.spec) for chart in compare_page(*runs).get("plotly_chart")]

    names = [[trace.get("name") for trace in chart["data"]][1:] for chart in charts]
    assert names == [["timid, AUC 0.500", "good, AUC 1.000"], ["timid, AP 0.500", "good, AP 1.000"]]


def test_disagreement_opens_with_both_predictions(runs):
    at = compare_page(*runs)
    assert [tile["row"] for tile in grid(at)["tiles"]] == list(range(1, 20, 2))
    assert grid(at)["tiles"][0]["caption"] == "0.10 | 0.95"

    at.query_params["patch"] = "1_51_1"
    at.run()

    assert "timid: **0.100**" in text(at)
    assert "good: **0.950**" in text(at)


def test_disagreements_can_be_filtered_by_correct_run(runs):
    at = compare_page(*runs)
    at.segmented_control(key="side").set_value("first").run()

    assert "The runs agree on all of these patches." in [info.value for info in at.info]


def test_slide_shows_predictions_of_both_runs(runs):
    at = compare_page(*runs)

    found = [json.loads(element.proto.json) for element in at.get("bidi_component")]
    slide = next(data for data in found if "boxes" in data)
    assert [layer["name"] for layer in slide["values"]] == ["timid", "good"]
    assert at.selectbox(key="compared_case").options == [
        "1 (5 disagreements)",
        "2 (5 disagreements)",
    ]


def test_slide_uses_the_threshold_of_each_run(runs, monkeypatch):
    monkeypatch.setattr("idc.ui.compare.sections.balanced_thresholds", lambda runs: [0.1, 0.02])
    at = compare_page(*runs)
    at.segmented_control(key="threshold_kind").set_value("Each run's own").run()

    found = [json.loads(element.proto.json) for element in at.get("bidi_component")]
    slide = next(data for data in found if "boxes" in data)
    assert [layer["threshold"] for layer in slide["values"]] == [0.1, 0.02]
    # Both classify all patches as positive: one from 0.1, the other from 0.05.
    assert at.selectbox(key="compared_case").options == [
        "1 (0 disagreements)",
        "2 (0 disagreements)",
    ]
    assert "whatever their own" not in text(at)


def test_shared_threshold_applies_to_all_runs(runs):
    at = compare_page(*runs)
    at.slider(key="threshold").set_value(0.02).run()

    assert at.table[2].value.loc["Found IDC"].tolist() == ["10", "10", "+0"]


def test_only_shared_patches_are_compared_with_a_note(runs):
    third = scored_run("part", [0.2, 0.8, 0.2], rows=[2, 3, 25])

    at = compare_page(runs[0], third)

    assert "The runs were scored on different patches" in text(at)
    assert "compared are the 2 patches of 1 case that all of them have scored" in text(at)


def test_runs_are_compared_in_the_order_of_the_url(runs):
    third = scored_run("third", [0.3] * 20)
    at = open_page("compare")
    at.query_params["runs"] = [runs[0].id, third.id]
    at.run()
    assert at.table[1].value.columns[0] == "1: timid"
    assert at.table[1].value.columns[1] == "2: third"

    at.multiselect(key="runs").set_value([third.id, runs[1].id]).run()

    assert at.table[1].value.columns[1] == "2: good"
    assert runs_in_address(at) == [third.id, runs[1].id]


def runs_in_address(at):
    value = at.query_params["runs"]
    return value if isinstance(value, list) else [value]


def logged_run(name, aucs, **settings):
    run = create_run(preset_config("fast", "tiny", name=name, **settings))
    log = LogWriter(run.folder)
    for epoch, auc in enumerate(aucs, 1):
        log.append("epoch", epoch=epoch, val_roc_auc=auc, loss=1 / epoch, best=epoch == 1)
    rows = np.arange(20)
    y_prob = np.float32([0.1, 0.9] * 10)
    pd.DataFrame({"row": rows, "probability": y_prob, "part": "test"}).to_parquet(
        run.folder / PREDICTIONS_FILE
    )
    run.write_status(RunStatus(state="finished", epochs=len(aucs), epoch=len(aucs)))
    return run


def learning_chart(at):
    charts = [json.loads(chart.proto.spec) for chart in at.get("plotly_chart")]
    return next(c for c in charts if c["layout"]["xaxis"]["title"]["text"] == "epoch")


def learning_curves(at):
    return learning_chart(at)["data"]


def test_settings_that_differ_stand_beside_final_scores(home):
    tiny_store("tiny", cases=4, per_case=10)
    at = compare_page(
        logged_run("one", [0.5, 0.6], augmentation="none"), logged_run("two", [0.7], epochs=9)
    )

    table = at.table[0].value
    assert table.index.tolist() == ["1: one", "2: two"]
    assert table.to_dict("list") == {
        "Epochs": ["3", "9"],
        "Augmentation": ["none", "flips"],
        "Epochs trained": ["2", "1"],
        "Best epoch": ["1", "1"],
        "ROC AUC": ["1.000", "1.000"],
        "Balanced accuracy": ["1.000", "1.000"],
    }


def test_learning_curves_of_all_runs_are_in_one_chart(home):
    tiny_store("tiny", cases=4, per_case=10)
    at = compare_page(logged_run("one", [0.5, 0.6]), logged_run("two", [0.7], epochs=9))

    assert [trace["name"] for trace in learning_curves(at)] == ["one", "two"]
    at.segmented_control(key="learning_curve").set_value("loss").run()
    assert learning_chart(at)["layout"]["yaxis"]["title"]["text"] == "Training loss"


def test_seeds_are_one_curve_with_band_or_separate_curves(home):
    tiny_store("tiny", cases=4, per_case=10)
    runs = [logged_run(f"seed {seed}", [0.5 + seed / 10], seed=seed) for seed in (0, 1)]
    at = compare_page(*runs)

    assert [trace.get("name") for trace in learning_curves(at)] == [None, "seed 0 and 1 more seeds"]
    assert at.table[0].value.loc["1: seed 0 and 1 more seeds", "Seeds"] == "0, 1"
    assert at.table[0].value["ROC AUC"].tolist() == ["1.000 (1.000 to 1.000)"]

    at.toggle(key="seeds_together").set_value(False).run()
    assert [trace["name"] for trace in learning_curves(at)] == ["seed 0", "seed 1"]
    assert at.table[0].value["Seed"].tolist() == ["0", "1"]


def test_runs_without_shared_patches_show_settings_and_learning_curves(runs):
    other = scored_run("elsewhere", [0.2, 0.8], rows=[30, 31])
    at = open_page("compare")
    at.multiselect(key="runs").set_value([runs[0].id, other.id]).run()

    assert at.table[0].value.index.tolist() == ["1: timid", "2: elsewhere"]
    assert at.error[0].value.startswith("No patch was scored by all of these runs")
