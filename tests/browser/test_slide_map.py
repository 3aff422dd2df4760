"""The slide viewer with mouse and keyboard: interaction needs no request."""

import json

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import expect

from idc.datasets.store import PackReport, open_store
from idc.datasets.store_writer import Patch, StoreWriter
from idc.launch.start import create_run
from idc.patches import PatchName
from idc.runs.run import CALIBRATION_FILE, PREDICTIONS_FILE, RunStatus
from idc.settings.training_config import preset_config
from tests.support.browser_tools import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SIDE = 8  # patches


@pytest.fixture
def home(home):
    """One case of 8 x 8 patches; a run with probabilities from 0 to 1 in patch order."""
    rng = np.random.default_rng(0)
    with StoreWriter("square", SIDE**2) as writer:
        writer.add(
            [
                Patch(
                    PatchName(case=7, y=1 + 50 * row, x=1 + 50 * column, label=int(row > 3)),
                    rng.integers(60, 240, (50, 50, 3)).astype(np.uint8),
                )
                for row in range(SIDE)
                for column in range(SIDE)
            ]
        )
        writer.finish(PackReport(sources=("made by hand",)))
    answered_run()
    return home


def answered_run(name="", threshold=0.5):
    """A run with probabilities from 0 in the first patch to 1 in the last."""
    run = create_run(
        preset_config("notebook", open_store("square").name, protocol="random", name=name)
    )
    answers = {"row": np.arange(SIDE**2), "probability": np.linspace(0, 1, SIDE**2, dtype="f4")}
    pd.DataFrame({**answers, "part": "test"}).to_parquet(run.folder / PREDICTIONS_FILE)
    (run.folder / CALIBRATION_FILE).write_text(json.dumps({"threshold": threshold}))
    run.write_status(RunStatus(state="finished", epochs=1, epoch=1))
    return run


@pytest.fixture
def messages(page):
    """The messages that the browser sent to the server."""
    sent = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    return sent


def pixels(page, layer):
    """A fingerprint of the tissue (0) or the marks (1) on screen."""
    return page.locator(".map canvas").nth(layer).evaluate("canvas => canvas.toDataURL()")


def open_slide(page, app):
    page.goto(f"{app}/slides?data=square&case=7")
    expect(page.locator(".viewer[data-showing][data-painted]")).to_be_visible()
    return page.get_by_role("application")


def point(page, column, row):
    """Screen position of the middle of a patch while the whole slide is visible."""
    box = page.locator(".map").bounding_box()
    side = min(box["width"], box["height"]) * 0.96 / SIDE
    left = box["x"] + box["width"] / 2 - SIDE / 2 * side
    top = box["y"] + box["height"] / 2 - SIDE / 2 * side
    return left + (column + 0.5) * side, top + (row + 0.5) * side


def test_slide_reacts_to_wheel_sliders_mouse_and_keys(app, page, messages):
    slide = open_slide(page, app)
    quiet = len(messages)

    # Hovering shows the values of a patch.
    page.mouse.move(*point(page, 2, 5))
    readout = page.locator(".readout")
    expect(readout).to_have_text(
        "Case 7 · x 101, y 251 · labelled IDC-positive · probability 0.667"
    )

    # The wheel zooms in at the pointer.
    whole = pixels(page, 0)
    page.mouse.wheel(0, -240)
    wait_until(lambda: pixels(page, 0) != whole, "the wheel has zoomed")
    expect(readout).to_contain_text("x 101, y 251")
    page.keyboard.press("Tab")
    slide.focus()
    page.keyboard.press("0")
    wait_until(lambda: pixels(page, 0) == whole, "0 shows the whole slide again")

    # The threshold updates only counts and marks.
    page.get_by_role("radio", name="Errors").check()
    legend = page.get_by_role("list", name="Legend")
    expect(legend).to_contain_text("False alarm (FP): 0")
    expect(legend).to_contain_text("Missed IDC (FN): 0")
    marks = pixels(page, 1)
    threshold = page.get_by_role("slider", name="Threshold")
    threshold.fill("0.25")
    expect(legend).to_contain_text("False alarm (FP): 16")
    expect(legend).to_contain_text("sensitivity 1.00, specificity 0.50")
    wait_until(lambda: pixels(page, 1) != marks, "the marks are repainted")
    assert pixels(page, 0) == whole
    marks = pixels(page, 1)
    page.get_by_role("slider", name="Opacity").fill("0.1")
    wait_until(lambda: pixels(page, 1) != marks, "the opacity has changed")

    # Nothing was sent to the server.
    assert len(messages) == quiet

    # Keys move from patch to patch; Enter opens the one in the middle.
    slide.focus()
    page.keyboard.press("ArrowRight")
    expect(readout).to_contain_text("x 251, y 201")
    page.keyboard.press("ArrowDown")
    expect(readout).to_contain_text("x 251, y 251")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Case 7, x 251, y 251")).to_be_visible()
    wait_until(lambda: "patch=7_251_251" in page.url, "the address names the patch")

    # A click opens another; the zoom, the layer and the threshold stay.
    page.keyboard.press("0")
    wait_until(lambda: pixels(page, 0) == whole, "0 shows the whole slide again")
    page.mouse.click(*point(page, 0, 0))
    expect(page.get_by_text("Case 7, x 1, y 1", exact=False).last).to_be_visible()
    wait_until(lambda: "patch=7_1_1" in page.url, "the address names the patch")
    expect(threshold).to_have_value("0.25")
    expect(page.get_by_role("radio", name="Errors")).to_be_checked()
    assert pixels(page, 0) == whole
    assert page.complaints == []


def test_two_runs_use_their_own_thresholds_until_the_slider_moves(app, page):
    usual, bold = answered_run("usual"), answered_run("bold", threshold=0.248)
    page.goto(f"{app}/slides?data=square&case=7&run={usual.id}&run2={bold.id}")
    legend = page.get_by_role("list", name="Legend")
    threshold = page.get_by_role("slider", name="Threshold")
    output = page.locator("label.threshold output")

    page.get_by_role("radio", name="Disagreement").check()
    expect(legend).to_contain_text("only usual calls it IDC, from 0.50 on: 0")
    expect(legend).to_contain_text("only bold calls it IDC, from 0.248 on: 16")
    expect(output).to_have_text("0.50 / 0.248")

    page.get_by_role("radio", name="Errors").check()
    expect(legend).to_contain_text("False alarm (FP): 0")
    page.get_by_role("combobox", name="Whose answers").select_option("bold")
    expect(legend).to_contain_text("False alarm (FP): 16")
    expect(output).to_have_text("0.248")
    page.get_by_role("radio", name="Probability").check()
    expect(legend).to_contain_text("called IDC-positive, from 0.248 on")

    page.get_by_role("radio", name="Disagreement").check()
    threshold.fill("0.75")
    expect(legend).to_contain_text("only bold calls it IDC: 0")
    expect(output).to_have_text("0.75")
    assert page.complaints == []


def test_contact_sheet_opens_a_slide_by_key(app, page):
    page.goto(f"{app}/slides?data=square")
    card = page.get_by_role("option", name="Case 7, 64 patches, 50% IDC")
    expect(card).to_be_visible()

    card.focus()
    page.keyboard.press("Enter")

    expect(page.locator(".viewer[data-showing][data-painted]")).to_be_visible()
    wait_until(lambda: "case=7" in page.url, "the address names the case")
    assert page.complaints == []
