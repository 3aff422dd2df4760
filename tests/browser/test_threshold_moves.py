"""Evaluate in a real browser: counts equal Python's, and moving the threshold sends nothing."""

import re

import pytest
from playwright.sync_api import expect

from idc.evaluation.results import saved_results
from tests.support.evaluated_run import evaluated_run

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# Right on a threshold, just below and above one, and at both ends; rows are negative, positive, ...
Y_PROB = [0.125, 0.9, 0.4990234375, 0.5, 0.50390625, 0.96875, 0.3125, 0.40625, 0.0, 1.0]


@pytest.fixture
def results(home):
    run = evaluated_run(cases=5, validation=dict(enumerate(Y_PROB)))
    return saved_results(run)


def counts(page):
    """tn, fp, fn, tp of the displayed confusion matrix."""
    cells = page.get_by_role("button").filter(has_text="of IDC-")
    expect(cells).to_have_count(4)
    return [int(cells.nth(i).locator(".count").inner_text()) for i in range(4)]


def fact(page, name):
    return page.locator(".facts div").filter(has_text=name).locator("dd")


def test_threshold_slider_updates_everything_in_the_browser(results, app, page):
    page.goto(f"{app}/evaluate?threshold=0.3")
    slider = page.get_by_role("slider", name="Threshold")
    expect(slider).to_have_value("0.3")
    number = page.get_by_role("spinbutton", name="Threshold as a number")

    # The threshold of the URL, then typed ones: matrix and scores equal Python's.
    for threshold in (0.3, 0.5, 0.501, 0.0, 1.0, 0.96875):
        number.fill(str(threshold))
        report = results.report(threshold)
        expect(fact(page, "Sensitivity")).to_have_text(f"{report.sensitivity:.3f}")
        expect(fact(page, "Specificity")).to_have_text(f"{report.specificity:.3f}")
        assert counts(page) == [count for row in report.confusion_matrix for count in row]

    # After a pause the URL holds the threshold, and a refresh keeps it.
    expect(page).to_have_url(re.compile(r"\bthreshold=0\.96875\b"))
    expect(page.get_by_text("At the threshold 0.96875.")).to_be_visible()
    assert number.input_value() == "0.96875"
    page.reload()
    expect(slider).to_have_value("0.969")
    assert counts(page) == [5, 0, 3, 2]

    # While the slider moves, nothing is sent; the browser draws immediately.
    page.get_by_role("heading", name="Export").wait_for()
    page.wait_for_load_state("networkidle")
    sent = page.evaluate(
        """async () => {
          const roots = [...document.querySelectorAll("*")].map((node) => node.shadowRoot);
          const find = (what) => roots.map((root) => root?.querySelector(what)).find((it) => it);
          const [slider, count] = [find(".slider"), find("button.error .count")];
          const { send } = WebSocket.prototype;
          let sent = 0;
          WebSocket.prototype.send = function (frame) {
            sent += 1;
            send.call(this, frame);
          };
          const { setTimeout } = globalThis; // So that the hand never comes to rest here.
          globalThis.setTimeout = () => 0;
          slider.value = 0.45;
          slider.dispatchEvent(new Event("input"));
          globalThis.setTimeout = setTimeout;
          await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
          WebSocket.prototype.send = send;
          return { sent, count: count.textContent };
        }"""
    )
    assert sent == {"sent": 0, "count": str(results.report(0.45).confusion_matrix[0][1])}

    # The error strip follows: at 0.45 the false alarms are 0.499 and 0.504.
    alarms = page.get_by_role("listbox", name="False alarms").get_by_role("option")
    expect(alarms.filter(visible=True)).to_have_count(2)

    # Arrow keys move the slider.
    slider.press("ArrowRight")
    expect(page).to_have_url(re.compile(r"\bthreshold=0\.451\b"))

    # Each number opens its patches, by mouse and by keyboard.
    page.get_by_role("button", name="Missed IDC").click()
    expect(page.get_by_text("Missed IDC (FN): 1 patch")).to_be_visible()
    bar = page.get_by_role("button", name="0.95 to 1.00: 2 IDC-positive patches")
    bar.press("Enter")
    expect(page.get_by_text("IDC-positive, probability 0.95 to 1.00: 2 patches")).to_be_visible()
    page.get_by_role("button", name="Patches of case 3").click()
    expect(page.get_by_text("Case 3: 2 patches")).to_be_visible()

    # The slide of the case follows too: 0.504 is a false alarm until the threshold passes it.
    expect(page.get_by_text("False alarm (FP): 1")).to_be_visible()
    number.fill("0.6")
    expect(page.get_by_text("False alarm (FP): 0")).to_be_visible()

    expect(page.get_by_test_id("stException")).to_have_count(0)
    assert page.complaints == []
