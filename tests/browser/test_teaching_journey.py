"""How it works and Build with mouse and keyboard: interaction needs no request."""

import re
import urllib.parse

import numpy as np
import pytest
from playwright.sync_api import expect

from idc.datasets.store import open_store
from tests.support.made_patches import tiny_store

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def frames(page):
    """The messages that the tab sent to the server."""
    sent = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    return sent


def number(text):
    """The number behind the last "=" of a sum on screen."""
    return float(text.rsplit("=")[-1].strip().replace("−", "-").replace(",", ""))


def within(value):
    """The same number, within the three digits on screen."""
    return pytest.approx(value, rel=6e-3, abs=1e-6)


def press(target, key, times):
    for _ in range(times):
        target.press(key)


def middle(target):
    box = target.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_lamps_filter_and_camera_chapter(home, app, page, frames):
    page.goto(f"{app}/how_it_works")
    verdict, camera = page.locator(".verdict"), page.locator(".fires")
    expect(verdict).to_contain_text("the camera fires for the 1 alone")
    expect(camera).to_have_text("10 is at least 8: it fires.")
    page.wait_for_load_state("networkidle")
    message_count = len(frames)

    # A filter for the 0, and one that cannot distinguish the digits.
    page.get_by_role("button", name="Lets the 0 through").click()
    expect(verdict).to_contain_text("the camera fires for the 0 alone")
    expect(camera).to_have_text("−2 is below 8: it stays silent.")
    row = page.get_by_role("row", name="A 1")
    expect(row).to_contain_text("missed: a false negative")
    page.get_by_role("button", name="Clear glass").click()
    expect(verdict).to_contain_text("it cannot tell a 1 from a 0")

    # Edit a filter by keyboard, then by dragging.
    page.get_by_role("button", name="Start with an empty one").click()
    pane = page.get_by_role("button", name="Pane in row 1, column 1: ignored, 0")
    pane.press("ArrowRight")
    page.get_by_role("button", name="Pane in row 1, column 2").press("ArrowRight")
    page.get_by_role("button", name="Pane in row 1, column 3").press("Space")
    expect(page.get_by_role("button", name="Pane in row 1, column 3: clear, +1")).to_be_focused()
    expect(page.locator(".total")).to_have_text("Sum: 1")
    start, end = (page.get_by_role("button", name=f"Pane in row {r}, column 3") for r in (3, 5))
    page.mouse.move(*middle(start))
    page.mouse.down()
    page.mouse.move(*middle(end), steps=8)
    page.mouse.up()
    expect(page.locator(".total")).to_have_text("Sum: 4")
    slider = page.get_by_role("slider", name="Fires from")
    press(slider, "ArrowLeft", 4)
    expect(camera).to_have_text("4 is at least 4: it fires.")
    expect(verdict).to_contain_text("the camera fires for the 1 alone")

    assert len(frames) == message_count
    assert page.complaints == []


def test_filter_layers_and_training_chapters(trained_run, app, page, frames):
    store = open_store("tiny")
    patch = store.patches[0].astype(float)
    page.goto(f"{app}/how_it_works?chapter=A+filter+on+a+patch&patch=1_1_1")
    picture = page.get_by_role("application", name="Patch. Column 26, row 26")
    expect(picture).to_be_visible()
    page.wait_for_load_state("networkidle")
    message_count = len(frames)

    # Move to the corner by keyboard: five cells of the filter lie outside.
    picture = page.locator(".picture.patch")
    press(picture, "ArrowLeft", 25)
    press(picture, "ArrowUp", 25)
    expect(page.get_by_text("5 places lie outside the patch and count 0")).to_be_visible()
    grey = np.round(patch @ [0.299, 0.587, 0.114])
    total = page.locator(".sum")
    assert number(total.inner_text()) == within(9 * grey[0, 0] - grey[:2, :2].sum())
    page.get_by_role("spinbutton", name="Weight in row 2, column 2").fill("1")
    assert number(total.inner_text()) == within(2 * grey[0, 0] - grey[:2, :2].sum())
    page.get_by_role("button", name="Learned by the run").click()
    kernel = np.load(trained_run.folder / "first_filters" / "epoch-0001.npy")
    standardised = (patch[:2, :2] / 255 - [0.805, 0.615, 0.735]) / [0.155, 0.215, 0.165]
    learned = (standardised * kernel[1:, 1:, :, 0]).sum()
    assert number(total.inner_text()) == pytest.approx(learned, rel=2e-2, abs=5e-3)
    assert len(frames) == message_count

    page.get_by_role("button", name="Next: Every layer").click()
    page.get_by_role("button", name="Pooling (largest)").first.click()
    expect(page.get_by_text("50 × 50 × 4 → 25 × 25 × 4")).to_be_visible()
    message_count = len(frames)
    # Two 3 x 3 convolutions and 2 x 2 pooling: a receptive field of six pixels.
    field = page.get_by_text("6 × 6 px of the patch, columns 19 to 24, rows 19 to 24")
    expect(field).to_be_visible()
    values = page.locator(".picture.one")
    values.press("ArrowRight")
    expect(page.get_by_text("columns 21 to 26, rows 19 to 24")).to_be_visible()
    values.press("PageDown")
    expect(page.get_by_role("spinbutton", name="Map")).to_have_value("2")
    press(values, "ArrowRight", 20)
    expect(page.get_by_text("4 × 6 px of the patch, columns 47 to 50")).to_be_visible()
    page.locator(".strip .layer").last.click()
    expect(page.get_by_role("heading", name="Softmax")).to_be_visible()
    shares = page.locator(".answer td:last-child").all_inner_texts()
    assert sum(float(share.rstrip(" %")) for share in shares) == pytest.approx(100, abs=0.11)
    assert len(frames) == message_count

    page.get_by_role("button", name="Next: What training does").click()
    epoch = page.get_by_role("slider", name="Epoch")
    expect(epoch).to_have_attribute("aria-valuetext", "After epoch 1")
    epoch.press("ArrowLeft")
    expect(page.locator(".when")).to_have_text("Before training: random weights")
    expect(page.get_by_role("button", name="Filter 1: changed by 0.0 %")).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)
    assert page.complaints == []


def test_network_built_by_keyboard_trains_as_an_ordinary_run(home, app, page):
    tiny_store("tiny", cases=4, per_case=20)
    page.goto(f"{app}/build?architecture=2x1-w4-k3-max-d0-average")
    blocks = page.locator(".blocks .layer")
    expect(blocks).to_have_count(11)
    page.get_by_role("slider", name="Blocks (depth)").press("ArrowLeft")
    expect(blocks).to_have_count(7)
    expect(page).to_have_url(re.compile("architecture=1x1-w4-k3-max-d0-average"))
    expect(page.get_by_text("4 × 4 px", exact=True).first).to_be_visible()

    blocks.nth(1).press("ArrowRight")
    expect(blocks.nth(2)).to_be_focused()
    expect(page.get_by_role("heading", name="Batch normalisation, block 1")).to_be_visible()

    page.get_by_role("spinbutton", name="Epochs").fill("1")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Train this network").click()
    expect(page).to_have_url(re.compile("/train.*run="))
    expect(page.get_by_text("The epoch is done.").first).to_be_visible(timeout=240_000)
    run = urllib.parse.parse_qs(urllib.parse.urlparse(page.url).query)["run"][0]
    page.goto(f"{app}/how_it_works?chapter=What+training+does&run={run}")
    expect(page.get_by_role("slider", name="Epoch")).to_have_value("1")
    expect(page.locator(".tiles .tile")).to_have_count(4)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    assert page.complaints == []
