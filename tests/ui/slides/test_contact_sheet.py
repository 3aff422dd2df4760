"""The contact sheet: thumbnails in one image, and the opened slide."""

import base64
import json

import cv2
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from idc.ui.slides.contact_sheet import CARD_HEIGHT_PX, CARD_WIDTH_PX, draw_sheet
from tests.support.made_patches import tiny_store


def page():
    import streamlit as st

    from idc.datasets.store import open_store
    from idc.ui.slides.contact_sheet import SlideCard, contact_sheet

    cards = [SlideCard(case, f"Case {case}", 0.5, f"slide {case}") for case in (1, 3)]
    st.session_state["opened"] = contact_sheet(open_store("tiny"), cards, key="contacts")


@pytest.fixture
def at(home):
    tiny_store("tiny", cases=3, per_case=4)
    return AppTest.from_function(page, default_timeout=30).run()


def sent(at):
    return json.loads(at.get("bidi_component")[0].proto.json)


def test_thumbnails_are_sent_as_one_image(at):
    data = sent(at)

    head, body = data["sheet"].split(",")
    webp = np.frombuffer(base64.b64decode(body), np.uint8)
    sheet = cv2.imdecode(webp, cv2.IMREAD_UNCHANGED)
    assert head == "data:image/webp;base64"
    assert sheet.shape == (2 * CARD_HEIGHT_PX, CARD_WIDTH_PX, 4)
    assert data["cards"][1] == {
        "case": 3,
        "title": "Case 3",
        "share": 0.5,
        "details": "slide 3",
    }


def test_clicked_slide_opens_once(at):
    at.session_state["contacts"] = {"open": 3}
    at.run()

    assert at.session_state["opened"] == 3


@pytest.mark.parametrize("value", [2, "3", None, [3]])
def test_case_outside_the_sheet_is_not_opened(at, value):
    at.session_state["contacts"] = {"open": value}

    assert at.run().session_state["opened"] is None


def test_thumbnail_is_centred_on_a_transparent_background():
    sheet = draw_sheet([np.full((2, 4, 4), 255, np.uint8)] * 2)

    middle = (CARD_HEIGHT_PX // 2, CARD_WIDTH_PX // 2)
    assert sheet[middle].tolist() == [255] * 4
    assert (sheet[..., 3] == 255).sum() == 16
    assert sheet[CARD_HEIGHT_PX + middle[0], middle[1], 3] == 255


def test_oversized_thumbnail_is_cropped():
    sheet = draw_sheet([np.full((400, 400, 4), 255, np.uint8)])

    assert sheet.shape == (CARD_HEIGHT_PX, CARD_WIDTH_PX, 4)
    assert (sheet == 255).all()
