"""The watched slide during a training, on the time slider and in the replay."""

import pytest
from playwright.sync_api import expect

from tests.support.browser_tools import wait_for_picture, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

VIEWER = ".st-key-watched_network .viewer"


def frame(page):
    """The name of the displayed frame, "finished epochs-steps"."""
    return page.locator(VIEWER).get_attribute("data-frame")


def marks(page):
    """The pixels of the layer above the tissue."""
    return page.locator(f"{VIEWER} canvas").nth(1).evaluate("canvas => canvas.toDataURL()")


def test_slide_updates_during_training_and_in_the_replay(home, app, page):
    from idc.shipped.demo import pack_demo

    pack_demo("demo", cases=4, seed=1)
    page.goto(f"{app}/train")
    page.get_by_role("spinbutton", name="Epochs", exact=True).fill("2")
    page.get_by_role("spinbutton", name="Patches to use").fill("600")
    page.keyboard.press("Tab")
    expect(page.get_by_text("steps per epoch").last).to_contain_text("Training array (")
    wait_for_picture(page, "training patches, each followed by six views")
    page.get_by_role("button", name="Start training").click()

    # It is redrawn in place, on the same canvas.
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_visible()
    page.locator(f"{VIEWER} canvas").nth(1).evaluate("canvas => { canvas.dataset.seen = 'yes' }")
    wait_until(lambda: frame(page) == "0-0", "the untrained network is on screen")
    noise = marks(page)
    wait_until(lambda: frame(page) == "2-0", "both epochs have been painted")
    assert marks(page) != noise
    expect(page.get_by_text("All 2 epochs are done.")).to_be_visible()
    assert page.locator(f"{VIEWER} canvas").nth(1).get_attribute("data-seen") == "yes"
    learned = marks(page)

    # The time slider works in the browser only.
    slider = page.get_by_role("slider", name="Point in the training")
    slider.press("Home")
    expect(page.get_by_text("at the start")).to_be_visible()
    wait_until(lambda: marks(page) == noise, "the noise is back")
    slider.press("End")
    wait_until(lambda: marks(page) == learned, "the map is back")

    # The replay, from before the first frame to the end.
    page.get_by_role("button", name="Replay", exact=True).click()
    page.get_by_role("button", name="Pause the replay").click()
    time = page.get_by_role("slider", name="Time of the training")
    time.press("Home")
    expect(page.get_by_text("0:00 of")).to_be_visible()
    expect(page.get_by_text("Loading TensorFlow and the patches")).to_be_visible()
    page.get_by_label("Speed").select_option("60×")
    page.get_by_role("button", name="Play the replay").click()
    expect(page.get_by_text("All 2 epochs are done.")).to_be_visible()
    wait_until(lambda: marks(page) == learned, "the replay ends as the training did")
    page.get_by_role("button", name="End the replay").click()
    expect(page.get_by_role("button", name="Replay", exact=True)).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)
    assert page.complaints == []
