"""A region in the browser: upload, tiling, heat map and an opened patch."""

import csv
import re

import cv2
import numpy as np
import pytest
from playwright.sync_api import expect

from idc.demo_tissue.generate import generate_slide
from tests.support.browser_tools import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def at_cell(page, boxes_of, number):
    """Click the middle of a cell on the map, which shows the whole region."""
    width, height, side = boxes_of
    where = page.locator(".map").bounding_box()
    scale = min(where["width"] / width, where["height"] / height) * 0.96
    row, column = number
    x = where["x"] + where["width"] / 2 + ((column + 0.5) * side - width / 2) * scale
    y = where["y"] + where["height"] / 2 + ((row + 0.5) * side - height / 2) * scale
    page.mouse.click(x, y)


def test_region_from_upload_to_an_opened_patch(app, page, tmp_path):
    slide = generate_slide(0, 1)
    rgb = np.ascontiguousarray(slide.rgb[300:700, 300:900])
    twice = cv2.resize(rgb, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)  # 2 um per pixel
    path = tmp_path / "region.png"
    cv2.imwrite(str(path), twice[..., ::-1])

    page.goto(f"{app}/predict")
    page.locator("input[type=file]").set_input_files(path)
    expect(page.get_by_text("1,200 × 800 px: what does it show?")).to_be_visible()
    page.get_by_text("Other", exact=True).click()
    expect(page.get_by_label("µm per pixel")).to_have_value("2")
    expect(page.get_by_text("Shrunk 2:1 to the model's 4 µm per pixel")).to_be_visible()
    page.get_by_role("button", name=re.compile(r"Predict \d+ patches")).click()

    expect(page.get_by_text("of tissue predicted as IDC-positive")).to_be_visible()
    viewer = page.locator(".viewer")
    wait_until(lambda: viewer.get_attribute("data-showing"), "the heat map is painted")
    page.locator(".map").scroll_into_view_if_needed()
    at_cell(page, (1200, 800, 100), (3, 4))
    expect(page.get_by_text("x 400, y 300 px of the image")).to_be_visible()
    shown = page.get_by_text("Probability of IDC: ").inner_text()
    readout = page.locator(".readout").inner_text()
    assert readout.startswith("region.png · x 400, y 300 · probability 0.")

    with page.expect_download() as saved:
        page.get_by_role("button", name="CSV").click()
    with open(saved.value.path(), newline="") as file:  # noqa: PTH123
        rows = {(row["x_px"], row["y_px"]): row["y_prob"] for row in csv.DictReader(file)}
    assert len(rows) == 12 * 8
    y_prob = f"{float(rows['400', '300']):.3f}"
    assert readout.endswith(y_prob)
    assert y_prob in shown
    assert page.complaints == []
