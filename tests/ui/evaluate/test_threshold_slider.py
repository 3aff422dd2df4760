import json
import math

import pytest
from streamlit.testing.v1 import AppTest


def page():
    import streamlit as st

    from idc.metrics.thresholds import ThresholdPreset
    from idc.ui.evaluate.threshold_slider import threshold_slider

    if st.session_state.get("away"):
        return
    st.session_state["at"] = threshold_slider(
        st.session_state.get("predictions_id", "run/test"),
        {"content": "x"},
        [ThresholdPreset("half", "0.5", 0.5, "The usual one.")],
        default=0.5,
        key="slider",
    )


def run_page(**query):
    at = AppTest.from_function(page, default_timeout=30)
    for name, value in query.items():
        at.query_params[name] = value
    return at.run()


def move(at, threshold, predictions_id="run/test"):
    moved = {
        "predictions_id": predictions_id,
        "showing": sent(at)["showing"],
        "threshold": threshold,
    }
    at.session_state["slider"] = {"moved": moved}
    return at.run()


def sent(at):
    return json.loads(at.get("bidi_component")[0].proto.json)


def test_default_is_used_without_a_choice():
    at = run_page()

    assert at.session_state["at"] == 0.5
    assert "threshold" not in at.query_params


def test_threshold_of_the_url_is_used():
    at = run_page(threshold="0.31")

    assert at.session_state["at"] == 0.31
    assert sent(at)["threshold"] == 0.31
    assert at.query_params["threshold"] == "0.31"


def test_moved_threshold_is_returned_and_written_to_the_url():
    at = move(run_page(), 0.437)

    assert at.session_state["at"] == 0.437
    assert at.query_params["threshold"] == "0.437"


def test_default_is_removed_from_the_url():
    assert "threshold" not in move(run_page(threshold="0.31"), 0.5).query_params


def test_move_resends_no_data_to_the_browser():
    at = run_page(threshold="0.31")
    before = sent(at)

    assert sent(move(at, 0.8)) == before


@pytest.mark.parametrize("value", ["high", "", "-0.1", "1.1", "nan", "inf"])
def test_invalid_threshold_in_the_url_is_ignored(value):
    assert run_page(threshold=value).session_state["at"] == 0.5


@pytest.mark.parametrize("threshold", ["high", None, -0.1, 1.1, math.nan, [0.3]])
def test_move_to_an_invalid_threshold_is_ignored(threshold):
    assert move(run_page(), threshold).session_state["at"] == 0.5


def test_move_for_other_predictions_is_ignored():
    assert move(run_page(), 0.8, predictions_id="another/test").session_state["at"] == 0.5


def test_another_run_starts_at_its_own_default():
    at = move(run_page(threshold="0.31"), 0.8)
    at.session_state["predictions_id"] = "another/test"
    at.run()

    assert at.session_state["at"] == 0.5
    assert "threshold" not in at.query_params


def test_back_navigation_restores_a_threshold_that_can_be_moved():
    at = move(run_page(), 0.3)
    first_move = at.session_state["slider"]
    at.query_params["threshold"] = "0.25"  # a URL from before this visit
    at.run()
    assert (at.session_state["at"], sent(at)["threshold"]) == (0.25, 0.25)

    at.session_state["slider"] = first_move  # sent before the browser redrew the slider
    assert at.run().session_state["at"] == 0.25
    assert move(at, 0.8).query_params["threshold"] == "0.8"


def test_url_threshold_is_used_after_a_page_change():
    at = move(run_page(), 0.8)
    at.session_state["away"] = True
    at.run()
    at.session_state["away"] = False
    at.query_params["threshold"] = "0.25"
    at.run()

    assert at.session_state["at"] == 0.25
    assert sent(at)["threshold"] == 0.25


def test_missing_validation_predictions_are_noted():
    assert "No validation predictions" in sent(run_page())["note"]
