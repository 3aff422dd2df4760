"""The explanation maps on Predict: switching needs no request."""

import cv2
import pytest
from playwright.sync_api import expect

from tests.support.made_tissue import pink_patches

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_maps_are_switched_without_a_request_to_the_server(page, app):
    sent = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    page.goto(f"{app}/predict")
    page.locator("input[type=file]").set_input_files(
        {"name": "mine.png", "mimeType": "image/png", "buffer": patch_png()}
    )
    canvas = page.get_by_role("img", name="The patch, enlarged, with Grad-CAM")
    expect(canvas).to_be_visible()
    expect(page.get_by_text("which is not installed here")).to_be_visible()
    page.wait_for_load_state("networkidle")
    before, request_count = picture(page), len(sent)

    page.get_by_role("radio", name="Occlusion").check()
    expect(page.get_by_text("hiding it lowers the probability: it speaks for IDC")).to_be_visible()
    occlusion = picture(page)
    page.get_by_label("Opacity").fill("0")
    clear = picture(page)
    page.get_by_role("radio", name="Patch alone").check()
    expect(page.get_by_label("Opacity")).to_be_hidden()

    assert len({before, occlusion, clear}) == 3
    assert picture(page) == clear  # no map is drawn over the patch
    assert len(sent) == request_count
    assert page.complaints == []


def patch_png() -> bytes:
    return cv2.imencode(".png", pink_patches(1)[0][..., ::-1])[1].tobytes()


def picture(page) -> str:
    return page.locator("canvas[data-shown]").evaluate("(canvas) => canvas.toDataURL()")
