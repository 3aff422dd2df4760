"""The first minute: from the start command on an empty home to a prediction and a trained network.

    python bench/first_visit.py

A real server and a real browser. Prints the seconds at which each thing is there: the page, the
demo tissue, a prediction; then, from pressing Start with the defaults, the first movement of the
chart, the first epoch, the end; and the scores of that run on the cases held out. Then the same of
a second run, started after half a minute's look at the form; and of a third, started at once on a
server that has just come up itself.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from live_app import PATIENCE_S, chromium, idc_lab, wait_until
from playwright.sync_api import Page, expect

from idc.evaluation.results import saved_parts, saved_results
from idc.runs.run import list_runs

_LOOK_S = 30  # at the form: the device's speed is measured, then a trainer loads Keras


class Clock:
    """Prints what is there after how many seconds."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        self._began = time.perf_counter()

    def mark(self, what: str) -> None:
        print(f"{time.perf_counter() - self._began:>8.1f} s  {what}", flush=True)


def main() -> None:
    expect.set_options(timeout=1000 * PATIENCE_S)
    with chromium() as browser, tempfile.TemporaryDirectory() as home:
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.set_default_timeout(1000 * PATIENCE_S)
        os.environ["IDC_HOME"] = home
        _first_visit(page, Path(home))
        with idc_lab(Path(home)) as (address, _):
            page.goto(f"{address}/train")
            _train(page, Clock())


def _first_visit(page: Page, home: Path) -> None:
    clock = Clock()
    with idc_lab(home) as (address, _):
        page.goto(address)
        page.get_by_role("button", name="Start with generated tissue").wait_for()
        clock.mark("the page is open")
        page.get_by_role("button", name="Start with generated tissue").click()
        page.get_by_text("demo is packed and ready.").wait_for()
        clock.mark("demo tissue is there")
        _menu(page, "Predict")
        page.get_by_text("Pick an example").click()
        page.get_by_role("option").first.click()
        page.get_by_text("Probability of IDC: ").wait_for()
        clock.mark("first prediction")
        _menu(page, "Train")
        _train(page, clock)
        print(_scores())
        page.get_by_text("Set up a new run").click()
        page.wait_for_timeout(1000 * _LOOK_S)
        _train(page, clock)


def _train(page: Page, clock: Clock) -> None:
    start = page.get_by_role("button", name="Start training")
    if not start.is_visible():
        page.get_by_text("Set up a new run").click()  # closed where there are runs
    start.click()
    clock.start()
    print("Start pressed")
    page.get_by_role("button", name="Stop", exact=True).wait_for()
    _wait_for_a_step_in_the_chart(page)
    clock.mark("the chart moves")
    page.get_by_text("Confusion matrix after epoch 1").wait_for()
    clock.mark("first epoch is validated")
    page.get_by_text("epochs are done.").wait_for()
    clock.mark("the run is finished")


def _wait_for_a_step_in_the_chart(page: Page) -> None:
    """Until the chart is another one than just before the first step; axes alone do not count."""
    canvas = page.locator(".st-key-chart_loss canvas").first

    def picture() -> str:
        return canvas.evaluate("canvas => canvas.toDataURL()")

    before = picture()
    while not next(iter(list_runs())).log().steps:
        before = picture()
        time.sleep(0.05)
    wait_until(lambda: picture() != before)


def _scores() -> str:
    run = next(run for run in list_runs() if not run.shipped())
    reports = {part: saved_results(run, part).report() for part in saved_parts(run)}
    return "\n".join(
        f"{part} part: ROC AUC {report.roc_auc:.3f}, balanced accuracy "
        f"{report.balanced_accuracy:.3f} on {report.n:,} patches"
        for part, report in reports.items()
    )


def _menu(page: Page, name: str) -> None:
    page.get_by_test_id("stSidebar").get_by_role("link", name=name).click()
    page.get_by_role("heading", level=1, name=name).wait_for()


if __name__ == "__main__":
    main()
