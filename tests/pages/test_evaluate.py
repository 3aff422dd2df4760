import json

import numpy as np
import pandas as pd
from app import metrics, open_page, text
from made_patches import tiny_store

from idc.config import preset_config
from idc.results import saved_results
from idc.runs import BUNDLED, PREDICTIONS_FILE, RunStatus, create_run, open_run


def evaluated_run():
    """Validation rows 0..9: labels alternate 0, 1; one false alarm, two missed."""
    tiny_store("tiny", cases=3, per_case=10)
    run = create_run(preset_config("notebook", "tiny", protocol="random", epochs=1))
    probability = np.array([0.1, 0.9, 0.2, 0.8, 0.7, 0.95, 0.3, 0.4, 0.05, 0.2], np.float32)
    pd.DataFrame(
        {"row": np.arange(10), "probability": probability, "part": "validation"}
    ).to_parquet(run.folder / PREDICTIONS_FILE)
    run.write_status(RunStatus(state="finished", epochs=1, epoch=1))
    return run


def components(at):
    return [json.loads(element.proto.json) for element in at.get("bidi_component")]


def open_cell(at, cell):
    at.session_state["matrix"] = {"pick": {"selected": None, "cell": cell}}
    return at.run()


def test_before_the_first_run_the_bundled_model_is_shown(home):
    at = open_page("evaluate")
    report = saved_results(open_run(BUNDLED)).report()

    assert not at.exception
    assert metrics(at)["ROC AUC"] == f"{report.roc_auc:.3f}"
    assert "This model comes with IDC Lab" in at.info[0].value


def test_bundled_models_calibration_is_shown_before_and_after(home):
    at = open_page("evaluate")
    table = next(t.value for t in at.table if "before" in t.value.columns)

    assert table.loc["Threshold", "before"] == "0.500"
    assert table.loc["Threshold", "after"] == f"{open_run(BUNDLED).calibration().threshold:.3f}"
    assert float(table.loc["Log loss", "after"]) <= float(table.loc["Log loss", "before"])


def test_pictures_of_the_bundled_models_scores_need_the_real_data_set(home):
    at = open_cell(open_page("evaluate"), "fn")

    assert at.info[-1].value == "The pictures are in the real data set, which is not here yet."


def test_scores_follow_from_the_saved_predictions(home):
    evaluated_run()
    at = open_page("evaluate")

    assert metrics(at) == {
        "Balanced accuracy": "0.700",
        "Sensitivity": "0.600",
        "Specificity": "0.800",
        "F1": "0.667",
        "ROC AUC": "0.860",
        "Accuracy": "0.700",
    }
    assert "Always answering with the commoner class would score 0.500 accuracy." in text(at)
    matrix = components(at)[0]
    assert [[cell["count"] for cell in row["cells"]] for row in matrix["rows"]] == [
        ["4", "1"],
        ["2", "3"],
    ]


def test_cell_of_the_matrix_shows_its_patches_the_most_certain_first(home):
    evaluated_run()
    at = open_cell(open_page("evaluate"), "fn")

    grid = components(at)[1]
    assert [(tile["row"], tile["caption"]) for tile in grid["tiles"]] == [
        (9, "p 0.20"),
        (7, "p 0.40"),
    ]
    assert grid["tiles"][0]["details"] == (
        "case 1, x 451, y 1, labelled IDC-positive, probability 0.200"
    )
    assert "**Missed IDC (FN)**: 2 patches" in text(at)


def test_report_and_curve_are_shown(home):
    evaluated_run()
    at = open_page("evaluate")

    assert at.table[0].value.loc["IDC-positive"].tolist() == ["0.750", "0.600", "0.667", "5"]
    assert len(at.get("plotly_chart")) == 1  # ROC; there is no epoch in this run's log


def test_changed_data_set_is_told_instead_of_wrong_pictures(home):
    run = evaluated_run()
    (run.folder / "environment.json").write_text(json.dumps({"data_sha256": "another"}))
    at = open_page("evaluate")

    assert "was packed anew" in at.error[0].value
    assert not at.metric
