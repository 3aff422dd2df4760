import base64
import json

import numpy as np
import pytest

from idc.evaluation.results import saved_results
from idc.runs.run import BUNDLED_RUN_ID, list_runs, open_run
from tests.support.app_pages import open_page, text
from tests.support.evaluated_run import Y_PROB, evaluated_run


def components(at):
    """Component name -> its data, of the last component of that name."""
    sent = {}
    for each in at.get("bidi_component"):
        sent[each.proto.component_name.removeprefix("idc_")] = json.loads(each.proto.json)
    return sent


def scores(at):
    return {one["name"]: one for one in components(at)["score_table"]["scores"]}


def move(at, threshold):
    sent = components(at)["threshold_slider"]
    moved = {
        "predictions_id": sent["predictions_id"],
        "showing": sent["showing"],
        "threshold": threshold,
    }
    at.session_state["threshold_slider"] = {"moved": moved}
    return at.run()


def pick(at, key, value):
    at.session_state[key] = {"pick": value}
    return at.run()


def opened(at):
    """Row and caption of each tile in the open gallery, in order, without the error strips."""
    grids = [json.loads(each.proto.json) for each in at.get("bidi_component")]
    [gallery] = [grid for grid in grids if "tiles" in grid and not grid["errors_of"]]
    return [(tile["row"], tile["caption"]) for tile in gallery["tiles"]]


def test_before_the_first_run_the_bundled_model_is_shown(home):
    at = open_page("evaluate")
    results = saved_results(open_run(BUNDLED_RUN_ID))

    assert not at.exception
    assert scores(at)["roc_auc"]["value"] == pytest.approx(results.report().roc_auc)
    assert components(at)["threshold_slider"]["threshold"] == results.threshold
    assert "This model comes with IDC Lab" in at.info[0].value


def test_bundled_models_calibration_is_shown_before_and_after(home):
    at = open_page("evaluate")
    table = next(t.value for t in at.table if "before" in t.value.columns)

    assert table.loc["Threshold", "before"] == "0.500"
    assert (
        table.loc["Threshold", "after"] == f"{open_run(BUNDLED_RUN_ID).calibration().threshold:.3f}"
    )
    assert float(table.loc["Log loss", "after"]) <= float(table.loc["Log loss", "before"])


def test_images_of_the_bundled_model_need_the_real_data_set(home):
    at = pick(open_page("evaluate"), "matrix", {"selected": None, "cell": "fn"})

    assert [info.value for info in at.info[1:]] == [
        "The images are in the real data set, which is not installed yet."
    ] * 2  # below the matrix, and in the error strips


def test_scores_follow_from_the_saved_predictions(home):
    evaluated_run()
    found = scores(open_page("evaluate"))

    values = {name: round(one["value"], 3) for name, one in found.items()}
    assert values == {
        "balanced_accuracy": 0.7,
        "sensitivity": 0.6,
        "specificity": 0.8,
        "roc_auc": 0.86,
        "f1": 0.667,
        "precision": 0.75,
        "accuracy": 0.7,
        "average_precision": 0.885,
        "brier": 0.168,
        "calibration_error": 0.27,
    }
    assert found["accuracy"]["aside"] == "always predicting 'negative' would score 0.500"


def test_single_case_has_no_intervals_and_a_note(home):
    evaluated_run()
    at = open_page("evaluate")

    assert scores(at)["sensitivity"]["low"] is None
    assert scores(at)["sensitivity"]["no_interval"].startswith("there is only one case")
    assert "All patches are of one case" in at.info[0].value


def test_several_cases_have_intervals(home):
    evaluated_run(cases=5)
    at = open_page("evaluate")

    accuracy = scores(at)["accuracy"]
    assert accuracy["low"] < accuracy["value"] < accuracy["high"]
    assert "Only 5 cases" in at.info[0].value


def test_browser_gets_the_predictions_by_case_and_label(home):
    evaluated_run(cases=5)
    sent = components(open_page("evaluate"))["threshold_slider"]

    assert sent["cases"] == [[case, 1, 1] for case in (1, 2, 3, 4, 5)]
    numbers = np.frombuffer(base64.b64decode(sent["probabilities"]), "<f4")
    assert numbers.tolist() == np.array(Y_PROB, np.float32).tolist()


def test_matrix_gets_the_counts_at_the_threshold(home):
    evaluated_run()
    at = move(open_page("evaluate"), 0.75)

    rows = components(at)["confusion_matrix"]["rows"]
    assert [[cell["count"] for cell in row["cells"]] for row in rows] == [["5", "0"], ["2", "3"]]


# The threshold


def test_threshold_at_rest_updates_intervals_and_url(home):
    evaluated_run()
    at = move(open_page("evaluate"), 0.75)

    assert components(at)["score_table"]["threshold"] == 0.75
    assert scores(at)["specificity"]["value"] == 1
    assert at.query_params["threshold"] == "0.75"


def test_threshold_move_resends_no_predictions(home):
    evaluated_run()
    at = open_page("evaluate")
    before = components(at)["threshold_slider"]

    assert components(move(at, 0.75))["threshold_slider"] == before


def test_named_thresholds_come_from_validation_and_never_from_test(home):
    # On validation 0.25 separates the classes; on test any threshold above 0.6 would do best.
    evaluated_run(
        validation={0: 0.1, 1: 0.3, 2: 0.2, 3: 0.4}, test={4: 0.6, 5: 0.7, 6: 0.5, 7: 0.9}
    )
    at = open_page("evaluate")

    sent = components(at)["threshold_slider"]
    assert sent["predictions_id"].endswith("/test")
    named = {preset["name"]: preset["threshold"] for preset in sent["presets"]}
    assert named == {"half": 0.5, "balanced": 0.25, "sensitive": 0.3}
    assert "test patches never choose one" in sent["note"]


# Galleries


def test_matrix_cell_shows_its_patches_most_certain_first(home):
    evaluated_run()
    at = pick(open_page("evaluate"), "matrix", {"selected": None, "cell": "fn"})

    assert opened(at) == [(9, "p 0.20"), (7, "p 0.40")]
    assert "**Missed IDC (FN)**: 2 patches" in text(at)


def test_order_can_be_the_most_doubtful_first(home):
    evaluated_run()
    at = pick(open_page("evaluate"), "matrix", {"selected": None, "cell": "fn"})
    at.segmented_control(key="cell_order").set_value("doubtful").run()

    assert opened(at) == [(7, "p 0.40"), (9, "p 0.20")]


def test_bar_of_the_histogram_shows_its_patches(home):
    evaluated_run()
    at = open_page("evaluate")
    board = components(at)["probability_plot"]["predictions_id"]
    chosen = {"kind": "bar", "bin": 4, "label": 0}  # 0.20 to 0.25
    pick(at, "probabilities", {"predictions_id": board, "chosen": chosen})

    assert opened(at) == [(2, "p 0.20")]
    assert "**IDC-negative, probability 0.20 to 0.25**: 1 patch" in text(at)
    assert components(at)["probability_plot"]["open"] == chosen


def test_point_of_the_calibration_curve_shows_its_patches(home):
    evaluated_run()
    at = open_page("evaluate")
    board = components(at)["probability_plot"]["predictions_id"]
    pick(at, "probabilities", {"predictions_id": board, "chosen": {"kind": "point", "bin": 2}})

    assert opened(at) == [(2, "p 0.20"), (9, "p 0.20")]


def test_case_shows_its_patches_most_wrong_first(home):
    evaluated_run(cases=5)
    at = open_page("evaluate")
    board = components(at)["case_table"]["predictions_id"]
    pick(at, "cases", {"predictions_id": board, "case": 3})

    assert opened(at) == [(4, "p 0.70"), (5, "p 0.95")]
    assert "**Case 3**: 2 patches" in text(at)


def test_slide_of_a_case_shows_predictions_at_the_shared_threshold(home):
    evaluated_run(cases=5)
    at = open_page("evaluate")
    board = components(at)["case_table"]["predictions_id"]
    pick(at, "cases", {"predictions_id": board, "case": 3})

    slide = components(at)["slide_viewer"]
    assert (slide["title"], slide["predictions_id"]) == ("Case 3", board)
    [saved] = slide["values"]
    y_prob = np.frombuffer(base64.b64decode(saved["data"]), "<f4")
    assert y_prob.tolist() == [np.float32(0.7), np.float32(0.95)]


def test_slide_click_opens_the_slides_page(home):
    evaluated_run(cases=5)
    at = open_page("evaluate")
    at.session_state["cases"] = {"slide": 3}
    at.run()

    assert at.title[0].value == "Slides"
    assert at.query_params["case"] == "3"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("cases", {"case": 999}),
        ("cases", {"case": "3"}),
        ("probabilities", {"chosen": {"kind": "bar", "bin": 99, "label": 0}}),
        ("probabilities", {"chosen": "all"}),
        ("probabilities", "all"),
    ],
)
def test_invalid_pick_opens_nothing(home, key, value):
    evaluated_run(cases=5)
    at = open_page("evaluate")
    board = components(at)["case_table"]["predictions_id"]
    pick(at, key, {"predictions_id": board, **value} if isinstance(value, dict) else value)

    assert not at.exception
    assert "probability 0." not in text(at) and "**Case" not in text(at)


def pick_patch(at, key, row):
    """Simulate a click on a patch of a gallery or an error strip."""
    grids = [json.loads(each.proto.json) for each in at.get("bidi_component")]
    [display_id] = {
        grid["showing"]
        for grid in grids
        if row in [tile["row"] for tile in grid.get("tiles", [])]
        and bool(grid["errors_of"]) == key.startswith("errors")
    }
    at.session_state[key] = {"open": {"showing": display_id, "row": row}}
    return at.run()


def test_gallery_patch_opens_with_its_neighbours_and_in_the_url(home):
    evaluated_run()
    at = pick(open_page("evaluate"), "matrix", {"selected": None, "cell": "fn"})
    pick_patch(at, "cell_grid", 9)

    assert not at.exception
    assert at.query_params["patch"] == "1_451_1"
    assert "**Case 1**, x 451, y 1" in text(at)
    assert "**0.200**" in text(at)
    assert components(at)["patch_detail"]["place"] == "1_451_1"


def test_patch_picked_in_another_grid_replaces_the_open_one(home):
    evaluated_run()
    at = pick(open_page("evaluate"), "matrix", {"selected": None, "cell": "fn"})
    pick_patch(at, "cell_grid", 9)
    at.session_state["cell_grid"] = {}
    pick_patch(at, "errors_0", 4)

    assert not at.exception
    assert at.query_params["patch"] == "1_201_1"
    assert "**Case 1**, x 201, y 1" in text(at) and "x 451" not in text(at)


def test_linked_patch_is_shown_on_arrival(home):
    evaluated_run()
    at = open_page("evaluate", query={"patch": "1_451_1"})

    assert "Linked patch" in [each.value for each in at.subheader]
    assert "**Case 1**, x 451, y 1" in text(at)


def test_error_strips_hold_most_wrong_patches_and_follow_the_threshold(home):
    evaluated_run()
    at = open_page("evaluate")

    strips = [json.loads(each.proto.json) for each in at.get("bidi_component")]
    alarms, missed = [strip for strip in strips if strip.get("errors_of")]
    assert [tile["row"] for tile in alarms["tiles"]] == [4, 6, 2, 0, 8]
    assert [tile["row"] for tile in missed["tiles"]] == [9, 7, 3, 1, 5]
    assert missed["y_prob"] == pytest.approx([0.2, 0.4, 0.8, 0.9, 0.95])
    assert alarms["errors_of"] == components(at)["threshold_slider"]["predictions_id"]


# Published results


def test_run_on_another_split_is_not_comparable(home):
    evaluated_run()
    at = open_page("evaluate")

    assert any("Not comparable with the published results" in each.value for each in at.warning)
    table = at.table[0].value
    assert table.loc["Cruz-Roa et al. 2014", "Balanced accuracy"] == "0.842"
    assert table.loc["Romero et al. 2019", "F1, IDC class"] == "–"
    assert "weighted by their patches" in text(at)


def test_published_results_are_drawn_with_the_curves(home):
    evaluated_run()
    sent = components(open_page("evaluate"))["curve_plot"]

    assert [one["name"] for one in sent["published"]] == [
        "Cruz-Roa et al. 2014",
        "Janowczyk & Madabhushi 2016",
        "Romero et al. 2019",
    ]
    assert sent["published"][0]["roc"] == [[0, 0.684], [0.316, 1]]
    assert sent["published"][2]["recall"] == []
    assert sent["roc"][0] == [0, 0] and sent["roc"][-1] == [1, 1]


# Report and export


def test_classification_report_is_shown(home):
    evaluated_run()
    at = open_page("evaluate")

    assert at.table[1].value.loc["IDC-positive"].tolist() == ["0.750", "0.600", "0.667", "5"]


def test_report_and_predictions_are_offered(home):
    evaluated_run()
    at = open_page("evaluate")

    assert [button.proto.label for button in at.get("download_button")] == [
        "Report (HTML)",
        "Predictions (CSV)",
        "Predictions (Parquet)",
    ]


def test_changed_data_set_shows_an_error_instead_of_wrong_images(home):
    evaluated_run()
    [run] = list_runs()
    (run.folder / "environment.json").write_text(json.dumps({"data_sha256": "another"}))
    at = open_page("evaluate")

    assert "was packed again" in at.error[0].value
    assert "score_table" not in components(at)


def test_predictions_of_one_class_say_what_is_undefined(home):
    evaluated_run(validation={0: 0.1, 2: 0.7, 4: 0.2})

    at = open_page("evaluate")

    assert not at.exception
    assert [info.value for info in at.info if "labelled" in info.value] == [
        "All 3 patches are labelled negative, so sensitivity, balanced accuracy and ROC AUC "
        "are undefined."
    ]
