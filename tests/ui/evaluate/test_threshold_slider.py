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
        st.session_state.get("board", "run/test"),
        {"content": "x"},
        [ThresholdPreset("half", "0.5", 0.5, "The usual one.")],
        default=0.5,
        key="slider",
    )


def run_page(**address):
    at = AppTest.from_function(page, default_timeout=30)
    for name, value in address.items():
        at.query_params[name] = value
    return at.run()


def move(at, threshold, board="run/test"):
    told = {"board": board, "showing": sent(at)["showing"], "threshold": threshold}
    at.session_state["slider"] = {"moved": told}
    return at.run()


def sent(at):
    return json.loads(at.get("bidi_component")[0].proto.json)


def test_default_stands_as_long_as_nobody_says_otherwise():
    at = run_page()

    assert at.session_state["at"] == 0.5
    assert "threshold" not in at.query_params


def test_threshold_of_the_address_is_taken():
    at = run_page(threshold="0.31")

    assert at.session_state["at"] == 0.31
    assert sent(at)["threshold"] == 0.31
    assert at.query_params["threshold"] == "0.31"


def test_moved_threshold_is_returned_and_put_into_the_address():
    at = move(run_page(), 0.437)

    assert at.session_state["at"] == 0.437
    assert at.query_params["threshold"] == "0.437"


def test_address_loses_the_default():
    assert "threshold" not in move(run_page(threshold="0.31"), 0.5).query_params


def test_move_sends_nothing_new_to_the_browser():
    at = run_page(threshold="0.31")
    before = sent(at)

    assert sent(move(at, 0.8)) == before


@pytest.mark.parametrize("value", ["high", "", "-0.1", "1.1", "nan", "inf"])
def test_address_that_is_no_threshold_is_ignored(value):
    assert run_page(threshold=value).session_state["at"] == 0.5


@pytest.mark.parametrize("threshold", ["high", None, -0.1, 1.1, math.nan, [0.3]])
def test_move_to_what_is_no_threshold_is_not_believed(threshold):
    assert move(run_page(), threshold).session_state["at"] == 0.5


def test_move_on_another_board_is_not_believed():
    assert move(run_page(), 0.8, board="another/test").session_state["at"] == 0.5


def test_another_run_begins_at_its_own_default():
    at = move(run_page(threshold="0.31"), 0.8)
    at.session_state["board"] = "another/test"
    at.run()

    assert at.session_state["at"] == 0.5
    assert "threshold" not in at.query_params


def test_going_back_brings_the_threshold_of_before_and_it_can_be_moved_again():
    at = move(run_page(), 0.3)
    first_move = at.session_state["slider"]
    at.query_params["threshold"] = "0.25"  # an address of before this visit
    at.run()
    assert (at.session_state["at"], sent(at)["threshold"]) == (0.25, 0.25)

    at.session_state["slider"] = first_move  # sent before the browser had drawn it
    assert at.run().session_state["at"] == 0.25
    assert move(at, 0.8).query_params["threshold"] == "0.8"


def test_after_another_page_the_address_counts_again():
    at = move(run_page(), 0.8)
    at.session_state["away"] = True
    at.run()
    at.session_state["away"] = False
    at.query_params["threshold"] = "0.25"
    at.run()

    assert at.session_state["at"] == 0.25
    assert sent(at)["threshold"] == 0.25


def test_without_validation_thresholds_the_page_says_why():
    assert "No validation predictions" in sent(run_page())["note"]
