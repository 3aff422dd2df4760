"""A first visit: from an empty home to a prediction without a download."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SHOTS = Path(__file__).resolve().parents[2] / "test-results" / "first_visit"  # ignored by git


def menu(page, name):
    page.get_by_test_id("stSidebar").get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def keep(page, name):
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png", full_page=True)


def test_from_an_empty_home_to_a_prediction(fresh_app, page):
    page.goto(fresh_app)
    expect(page.get_by_text("Start with a data set")).to_be_visible()
    expect(page.get_by_role("heading", name="Get the real data set")).to_be_visible()
    expect(page.get_by_text("Use your own files")).to_be_visible()
    keep(page, "1-empty")

    page.get_by_role("button", name="Start with generated tissue").click()
    expect(page.get_by_text("Packing demo:")).to_be_visible()
    keep(page, "2-making")
    expect(page.get_by_text("demo is packed and ready.")).to_be_visible()
    expect(page.get_by_text("Generated tissue, not from patients.").first).to_be_visible()
    keep(page, "3-ready")

    menu(page, "Predict")
    page.get_by_text("Pick an example").click()
    page.get_by_role("option").first.click()
    expect(page.get_by_text("Probability of IDC: ")).to_be_visible()
    expect(page.get_by_text("Predicted by the bundled model")).to_be_visible()
    keep(page, "4-prediction")

    menu(page, "Evaluate")  # shows a recorded run with its patches
    page.get_by_role("button").filter(has_text="of IDC-").first.click()
    expect(page.get_by_role("option").first).to_be_visible()
    keep(page, "5-evaluation")

    menu(page, "Train")
    expect(page.get_by_text("Recorded run, shipped with IDC Lab").first).to_be_visible()
    keep(page, "6-training")
    expect(page.get_by_test_id("stException")).to_have_count(0)
    assert page.complaints == []
