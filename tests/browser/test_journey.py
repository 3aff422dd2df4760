"""The whole workflow on real patches: pack, train, evaluate and predict."""

import re
import zipfile

import pytest
from playwright.sync_api import expect

from tests.support.browser_tools import wait_for_picture, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.real]


def menu(page, name):
    page.get_by_test_id("stSidebar").get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def chart(page):
    return page.locator(".st-key-chart_loss canvas").first


def picture(page):
    """The pixels of the first live chart."""
    return chart(page).evaluate("canvas => canvas.toDataURL()")


def test_from_the_zip_to_a_prediction(app, page, real_data, tmp_path):
    source = real_data / "idc_complete_cases.zip"
    page.goto(app)

    page.get_by_role("textbox", name="Zip or folder on this computer").fill(str(source))
    page.get_by_role("textbox", name="Name", exact=True).fill("real")
    page.get_by_role("button", name="Check the files").click()
    page.get_by_role("button", name="Pack", exact=True).click()
    expect(page.get_by_text("real is packed and ready.")).to_be_visible()
    expect(page.get_by_text("4,730 of 277,524 patches; 5 of 279 cases complete")).to_be_visible()

    menu(page, "Dataset")
    expect(page.get_by_role("option")).to_have_count(36)

    menu(page, "Train")
    page.get_by_role("spinbutton", name="Epochs").fill("10")
    page.get_by_role("spinbutton", name="Patches to use").fill("1800")
    page.keyboard.press("Tab")
    expect(page.get_by_text("steps per epoch").last).to_contain_text("Training array (")
    wait_for_picture(page, "training patches, each followed by six views")
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_text(re.compile(r"epoch \d+ of 10")).first).to_be_visible()
    expect(page.get_by_text("CPU, ").first).to_be_visible()
    before = picture(page)
    canvas = chart(page)
    canvas.evaluate("canvas => { canvas.dataset.seen = 'yes' }")
    wait_until(lambda: picture(page) != before, "the chart has grown")
    assert canvas.get_attribute("data-seen") == "yes"  # redrawn in place, without flicker

    page.reload()
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_visible()
    before = picture(page)
    wait_until(lambda: picture(page) != before, "the chart grows on after the refresh")
    second = page.context.new_page()
    second.goto(f"{app}/train")
    expect(second.get_by_role("button", name="Stop", exact=True)).to_be_visible()
    second.close()
    expect(page.get_by_text("All 10 epochs are done.")).to_be_visible(timeout=600_000)

    menu(page, "Evaluate")
    cells = page.get_by_role("button").filter(has_text="of IDC-")
    expect(cells).to_have_count(4)
    largest = max(
        range(4), key=lambda i: float(cells.nth(i).inner_text().split("%")[0].split()[-1])
    )
    cells.nth(largest).click()
    tiles = page.get_by_role("option")
    expect(tiles.first).to_be_visible()
    tiles.first.click()
    expect(page.get_by_text("Probability of IDC by ").first).to_be_visible()

    menu(page, "Predict")
    with zipfile.ZipFile(source) as archive:
        member = next(name for name in archive.namelist() if "/1/" in name)
        archive.extract(member, tmp_path)
    page.locator("input[type=file]").set_input_files(tmp_path / member)
    expect(page.get_by_text("Probability of IDC: ")).to_be_visible()
    wait_for_picture(page, "The patch as the model sees it")
    (tmp_path / "notes.png").write_text("these are words")
    page.locator("input[type=file]").set_input_files(tmp_path / "notes.png")
    expect(
        page.get_by_text("notes.png is not a PNG, JPEG, TIFF, BMP or WebP image")
    ).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)
    assert page.complaints == []
