"""The slide viewer: the data sent to the browser, and which picks are accepted."""

import base64
import json

import cv2
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from idc.ui.components.slide_viewer.slide_viewer import (
    KEEP_PICK,
    Cells,
    Picture,
    jpeg_picture,
    slide_viewer,
)


def page():
    import numpy as np
    import streamlit as st

    from idc.imaging.outline import Polygon
    from idc.ui.components.slide_viewer.slide_viewer import Cells, jpeg_picture, slide_viewer

    shade = st.session_state.get("shade", 200)
    ids = np.array([40, 41, 42])
    boxes = np.array([[0, 0, 50, 50], [50, 0, 50, 50], [0, 50, 12, 50]])
    values = {"fast": np.array(st.session_state.get("values", [0.25, np.nan, 1.0]))}
    st.session_state["picked"] = slide_viewer(
        jpeg_picture(np.full((100, 100, 3), shade, np.uint8)),
        Cells(ids, boxes, np.array([0, 1, 1]), origin=(101, 201)),
        key="slide",
        title="Case 7",
        values=values,
        outlines=[Polygon(np.array([[50, 0], [100, 0], [100, 50], [50, 50]]))],
        picked=st.session_state.get("wanted", st.session_state.get("picked")),
        gap_note="gap",
        hatch_gaps=True,
        threshold=0.4,
        thresholds=st.session_state.get("thresholds"),
    )


def run_page(**state):
    at = AppTest.from_function(page, default_timeout=30)
    for name, value in state.items():
        at.session_state[name] = value
    return at.run()


def sent(at):
    return json.loads(at.get("bidi_component")[0].proto.json)


def pick(at, id_, **changed):
    data = sent(at)
    made = {"showing": data["showing"], "mark": data["mark"]["number"], "id": id_} | changed
    at.session_state["slide"] = {"pick": made}
    return at.run()


def numbers(text, dtype):
    return np.frombuffer(base64.b64decode(text), dtype).tolist()


# Data sent to the browser


def test_cells_labels_and_values_are_sent_as_typed_arrays():
    data = sent(run_page())

    assert numbers(data["ids"], "<i4") == [40, 41, 42]
    assert numbers(data["boxes"], "<u2") == [0, 0, 50, 50, 50, 0, 50, 50, 0, 50, 12, 50]
    assert numbers(data["labels"], "i1") == [0, 1, 1]
    assert [layer["name"] for layer in data["values"]] == ["fast"]
    first, second, third = numbers(data["values"][0]["data"], "<f4")
    assert (first, third) == (0.25, 1.0)
    assert np.isnan(second)


def test_each_set_of_values_has_its_own_threshold():
    given = [sent(run_page(thresholds=thresholds)) for thresholds in (None, {"fast": 0.7})]

    assert [data["values"][0]["threshold"] for data in given] == [0.4, 0.7]
    assert [data["thresholds"] for data in given] == [[0.4], [0.4, 0.7]]


def test_browser_receives_the_data_of_legend_and_scale():
    data = sent(run_page())

    assert (data["title"], data["origin"], data["mpp_um"]) == ("Case 7", [101, 201], 4.0)
    assert (data["threshold"], data["gap_note"], data["hatch_gaps"]) == (0.4, "gap", True)
    assert data["outlines"] == [[50, 0, 100, 0, 100, 50, 50, 50]]
    assert (data["width"], data["height"]) == (100, 100)


def test_jpeg_is_close_to_the_given_pixels():
    rng = np.random.default_rng(0)
    rgb = cv2.resize(rng.integers(60, 240, (6, 8, 3)).astype(np.uint8), (160, 120))
    picture = jpeg_picture(rgb)

    head, body = picture.uri.split(",")
    jpeg = np.frombuffer(base64.b64decode(body), np.uint8)
    again = cv2.cvtColor(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    assert head == "data:image/jpeg;base64"
    assert (picture.width, picture.height) == (160, 120)
    assert np.abs(again.astype(int) - rgb).mean() < 2


def test_rerun_sends_an_identical_message():
    at = run_page()
    before = at.get("bidi_component")[0].proto.json

    assert at.run().get("bidi_component")[0].proto.json == before


def test_new_values_keep_the_display_and_its_zoom():
    at = run_page()
    before = sent(at)

    at.session_state["values"] = [0.5, 0.5, 0.5]
    after = sent(at.run())

    assert after["showing"] == before["showing"]
    assert after["image"] == before["image"]
    assert after["values"] != before["values"]


def test_another_image_is_another_display():
    at = run_page()
    before = sent(at)

    at.session_state["shade"] = 100

    assert sent(at.run())["showing"] != before["showing"]


def test_unknown_labels_are_sent_as_unknown():
    def unlabelled():
        import numpy as np

        from idc.ui.components.slide_viewer.slide_viewer import Cells, jpeg_picture, slide_viewer

        picture = jpeg_picture(np.zeros((50, 50, 3), np.uint8))
        cells = Cells(np.array([5]), np.array([[0, 0, 50, 50]]))
        slide_viewer(picture, cells, key="slide", title="A region")

    data = sent(AppTest.from_function(unlabelled, default_timeout=30).run())

    assert numbers(data["labels"], "i1") == [-1]


# Picks


def test_nothing_is_picked_at_first():
    assert run_page().session_state["picked"] is None


def test_pick_is_returned_and_sends_nothing_new():
    at = run_page()
    before = sent(at)
    at = pick(at, 41)

    assert at.session_state["picked"] == 41
    assert sent(at) == before
    assert at.run().session_state["picked"] == 41
    assert sent(at) == before


def test_cell_from_a_link_is_marked_at_once():
    at = run_page(picked=42)

    assert at.session_state["picked"] == 42
    assert sent(at)["mark"]["id"] == 42


def test_cell_named_by_the_caller_replaces_an_earlier_pick():
    at = pick(run_page(), 41)

    at.session_state["wanted"] = 40
    at.run()

    assert at.session_state["picked"] == 40
    assert sent(at)["mark"]["id"] == 40


def test_later_pick_replaces_the_cell_named_by_the_caller():
    at = pick(run_page(), 41)
    at.session_state["wanted"] = 40
    at.run()
    del at.session_state["wanted"]

    assert pick(at, 42).session_state["picked"] == 42


def test_kept_pick_stays_until_the_image_changes():
    at = pick(run_page(wanted=KEEP_PICK), 41)
    assert at.session_state["picked"] == 41
    assert at.run().session_state["picked"] == 41

    at.session_state["shade"] = 90
    assert at.run().session_state["picked"] is None


def test_cell_of_another_slide_is_not_marked():
    at = run_page(picked=99)

    assert at.session_state["picked"] is None
    assert sent(at)["mark"]["id"] is None


@pytest.mark.parametrize(
    "changed", [{"id": 43}, {"id": "41"}, {"id": None}, {"showing": "another"}, {"mark": 7}]
)
def test_pick_of_another_display_is_ignored(changed):
    assert pick(run_page(), 41, **changed).session_state["picked"] is None


@pytest.mark.parametrize("value", [41, "41", [41]])
def test_malformed_pick_is_ignored(value):
    at = run_page()
    at.session_state["slide"] = {"pick": value}

    assert at.run().session_state["picked"] is None


# Invalid arguments


@pytest.mark.parametrize(
    ("boxes", "values", "sentence"),
    [
        (np.zeros((2, 4), int), {}, r"boxes must have shape \(1, 4\)"),
        (np.array([[0, 0, 50, 70_000]]), {}, "65535"),
        (np.zeros((1, 4), int), {"fast": np.zeros(2)}, r"values of 'fast'.*Received: \(2,\)"),
    ],
)
def test_arguments_that_do_not_match_are_refused(boxes, values, sentence):
    with pytest.raises(ValueError, match=sentence):
        slide_viewer(
            Picture("", 1, 1, ""), Cells(np.array([1]), boxes), key="k", title="", values=values
        )
