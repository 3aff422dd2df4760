"""A run renamed by another visitor stays selected."""

import pytest
from playwright.sync_api import expect

from idc.launch.start import create_run
from idc.runs.notes import RunNotes, write_notes
from idc.runs.run import list_runs
from idc.runs.status import RunStatus
from idc.settings.training_config import preset_config
from tests.support.made_patches import tiny_store

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_delete_after_a_rename_deletes_the_run_that_is_shown(home, app, page):
    tiny_store("tiny", cases=3, per_case=10)
    shown, newest = (
        create_run(preset_config("fast", "tiny", protocol="random", name=name))
        for name in ("first", "second")
    )
    for run in (shown, newest):
        run.write_status(RunStatus(state="stopped", epochs=3, epoch=1, steps=2, reason="Stopped."))
    page.goto(f"{app}/train?run={shown.id}")
    picker = page.get_by_role("combobox", name="Run", exact=True)
    expect(picker).to_have_value(f"first · {shown.id}")

    page.get_by_role("button", name="Name and notes").click()
    page.get_by_role("textbox", name="Name", exact=True).last.fill("renamed")
    page.get_by_role("button", name="Save").click()
    expect(picker).to_have_value(f"renamed · {shown.id}")
    write_notes(shown.folder, RunNotes("renamed again"))  # another visitor
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Delete").click()

    expect(page.get_by_text("It is in the trash.")).to_be_visible()
    assert [run.id for run in list_runs()] == [newest.id]
    assert page.complaints == []
