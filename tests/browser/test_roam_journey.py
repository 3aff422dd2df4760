"""Browsing all patches in a real browser: by mouse, by keyboard and by link."""

import re
import urllib.parse

import pytest
from playwright.sync_api import expect

from idc.datasets.measurements import measure_store
from tests.support.browser_tools import wait_until
from tests.support.made_patches import tiny_store

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def query(page):
    return urllib.parse.parse_qs(urllib.parse.urlparse(page.url).query)


def tiles(page):
    return page.get_by_role("listbox", name=re.compile("^Patches")).get_by_role("option")


def names(page):
    return [tile.get_attribute("aria-label") for tile in tiles(page).all()]


def large(page):
    return page.get_by_role("img", name=re.compile("^Patch at"))


def test_copied_link_restores_the_view_and_back_undoes(app, page):
    measure_store(tiny_store("tiny", cases=3, per_case=30))
    page.goto(f"{app}/dataset")
    page.get_by_role("tab", name="All patches").click()
    expect(tiles(page)).to_have_count(48)

    page.get_by_role("button", name="Next", exact=True).click()
    expect(tiles(page)).to_have_count(42)
    page.get_by_role("combobox", name="Class").click()
    page.get_by_role("option", name="IDC-positive", exact=True).click()
    expect(tiles(page)).to_have_count(45)
    tiles(page).nth(2).click()
    expect(large(page)).to_have_accessible_name("Patch at x 251, y 1 of case 1, IDC-positive")
    wait_until(lambda: "patch" in query(page), "the URL names the patch")
    assert query(page) == {
        "view": ["roam"],
        "data": ["tiny"],
        "class": ["positive"],
        "patch": ["1_251_1"],
    }

    second = page.context.new_page()
    second.goto(page.url)
    expect(large(second)).to_have_accessible_name("Patch at x 251, y 1 of case 1, IDC-positive")
    expect(tiles(second)).to_have_count(45)
    assert names(second) == names(page)
    expect(tiles(second).nth(2)).to_have_attribute("aria-selected", "true")
    second.close()

    page.go_back()
    expect(large(page)).to_have_count(0)
    expect(tiles(page)).to_have_count(45)
    page.go_back()
    expect(tiles(page)).to_have_count(42)
    assert page.complaints == []


def test_all_controls_are_reachable_by_keyboard(app, page):
    measure_store(tiny_store("tiny", cases=2, per_case=12))
    page.goto(f"{app}/dataset?view=roam")
    expect(tiles(page)).to_have_count(24)

    page.get_by_role("spinbutton", name="Page").focus()
    page.keyboard.press("Tab")  # the page buttons are disabled on a single page
    expect(tiles(page).first).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(large(page)).to_have_accessible_name("Patch at x 51, y 1 of case 1, IDC-positive")
    expect(tiles(page).nth(1)).to_be_focused()

    page.get_by_role("button", name="Show it smooth").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Show the pixels as they are")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="x 51, y 1, labelled")).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(large(page)).to_have_accessible_name("Patch at x 101, y 1 of case 1, IDC-negative")
    expect(tiles(page).nth(2)).to_have_attribute("aria-selected", "true")
    assert page.complaints == []
