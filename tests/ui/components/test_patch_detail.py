import base64
import json

import cv2
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from idc.datasets.place import neighbour_rows, stitch_neighbourhood
from idc.patches import PatchName
from idc.ui.components import patch_detail as patch_detail_module
from idc.ui.components.patch_detail import surroundings
from tests.support.made_patches import store_of


@pytest.fixture(autouse=True)
def no_links(monkeypatch):
    """Page links need the whole app; tests/pages covers them."""
    monkeypatch.setattr(patch_detail_module, "_links", lambda *_: None)


@pytest.fixture
def store(home):
    """Case 7: a positive patch between two negative ones, and an edge patch below it."""
    names = [PatchName(7, 1, 1 + 50 * n, n % 2) for n in range(3)] + [PatchName(7, 51, 51, 0)]
    return store_of("small", names, sizes=[(50, 50)] * 3 + [(20, 50)])


def page():
    import streamlit as st

    from idc.datasets.store import open_store
    from idc.ui.components.patch_detail import patch_detail

    patch_detail(open_store("small"), st.session_state["row"])


def run_page(row):
    at = AppTest.from_function(page, default_timeout=30)
    at.session_state["row"] = row
    return at.run()


def test_surroundings_hold_gaps_and_classes(store):
    data = surroundings(store, 1)

    cells = data["cells"]
    assert data["columns"] == 5
    assert [n for n, cell in enumerate(cells) if cell] == [11, 12, 13, 17]
    assert cells[12] == {
        "place": "7_51_1",
        "label": 1,
        "name": "x 51, y 1, labelled IDC-positive",
    }
    assert [cells[n]["label"] for n in (11, 13, 17)] == [0, 0, 0]


def test_picture_is_lossless_and_transparent_at_gaps(store):
    head, body = surroundings(store, 1)["picture"].split(",")

    png = cv2.imdecode(np.frombuffer(base64.b64decode(body), np.uint8), cv2.IMREAD_UNCHANGED)
    assert head == "data:image/png;base64"
    assert np.array_equal(
        cv2.cvtColor(png, cv2.COLOR_BGRA2RGBA),
        stitch_neighbourhood(store, neighbour_rows(store, 1)),
    )
    assert png[:100, :, 3].max() == 0  # nothing above


def test_facts_state_class_place_and_size(store):
    at = run_page(1)

    assert at.markdown[0].value == "**Case 7**, x 51, y 1"
    assert at.markdown[1].value == "Labelled :orange[\\+ IDC-positive]  \n200 × 200 µm of tissue"


def test_facts_state_the_original_size_of_an_edge_patch(store):
    facts = run_page(3).markdown[1].value

    assert "200 × 80 µm of tissue" in facts
    assert "Edge patch: 50 × 20 px, resized to 50 × 50 px" in facts


def test_browser_receives_place_label_and_alternative_text(store):
    sent = json.loads(run_page(1).get("bidi_component")[0].proto.json)

    assert sent["place"] == "7_51_1"
    assert sent["alt"] == "Patch at x 51, y 1 of case 7, IDC-positive"
    assert sent["label"] == 1
