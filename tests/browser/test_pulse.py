"""The redraw watchdog: a page recovers when the browser stops requesting redraws."""

import pytest
from playwright.sync_api import expect

from idc.launch.start import create_run
from idc.runs.status import RunStatus
from idc.settings.training_config import preset_config
from tests.support.made_patches import tiny_store

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WITHOUT_REDRAWS = """
const setInterval = window.setInterval;
window.setInterval = (call, ms, ...rest) => ms === 1000 ? 0 : setInterval(call, ms, ...rest);
"""


def test_page_recovers_when_the_browser_requests_no_redraw(home, app, page):
    tiny_store("tiny", cases=3, per_case=10)
    run = create_run(preset_config("fast", "tiny", protocol="random", patches=None))
    with run.trainer_lock():
        run.write_status(RunStatus(state="running", phase="training", epochs=9, steps=5))
        page.add_init_script(WITHOUT_REDRAWS)
        page.goto(f"{app}/train?run={run.id}")
        expect(page.get_by_text("epoch 1 of 9")).to_be_visible()

        run.write_status(RunStatus(state="running", phase="training", epochs=9, epoch=4, steps=5))
        expect(page.get_by_text("epoch 5 of 9")).to_be_visible()
    assert page.complaints == []
