"""Every page by direct link, on wide and narrow screens."""

import json
import urllib.request

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TITLES = {
    "": "IDC Lab",
    "dataset": "Dataset",
    "slides": "Slides",
    "train": "Train",
    "evaluate": "Evaluate",
    "predict": "Predict",
    "labels": "Labels",
    "compare": "Compare",
    "leakage": "Leakage",
    "how_it_works": "How it works",
    "build": "Build",
    "play": "You against the CNN",
}


@pytest.mark.parametrize("path", TITLES)
def test_cold_deep_link_shows_the_page_in_its_frame(app, page, path):
    page.goto(f"{app}/{path}")

    expect(page.get_by_role("heading", level=1)).to_have_text(TITLES[path])
    menu = page.get_by_test_id("stSidebar").get_by_role("link")
    expect(menu).to_have_text(
        [
            "homeHome",
            "grid_viewDataset",
            "mapSlides",
            "model_trainingTrain",
            "targetEvaluate",
            "biotechPredict",
            "labelLabels",
            "compare_arrowsCompare",
            "water_dropLeakage",
            "lightbulbHow it works",
            "constructionBuild",
            "sports_esportsYou against the CNN",
        ]
    )
    expect(page.get_by_test_id("stException")).to_have_count(0)
    assert page.complaints == []


def test_server_answers_health_checks_and_forbids_framing(app):
    with urllib.request.urlopen(f"{app}/healthz") as answer:
        health = json.loads(answer.read())
        assert health["status"] == "ok" and health["worker"] in ("alive", "not running")
        assert set(health) == {"status", "version", "worker"}
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_narrow_screen_clips_nothing(app, page):
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(app)
    expect(page.get_by_role("button", name="Check the files")).to_be_visible()

    widths = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert widths[0] <= widths[1]
