"""Wait for conditions and images in the browser tests."""

import time
from collections.abc import Callable

from playwright.sync_api import Page


def wait_until(condition: Callable[[], object], what: str, most_s: float = 180) -> None:
    """Poll a condition; the limit only keeps a broken app from hanging."""
    deadline = time.monotonic() + most_s
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.2)


def wait_for_picture(page: Page, name: str) -> None:
    """Wait until an image has loaded; the server drops it when the page is redrawn."""
    image = page.get_by_role("img", name=name)
    wait_until(lambda: image.evaluate("image => image.naturalWidth > 0"), f"'{name}' is shown")


def broken_pictures(page: Page) -> list[str]:
    """URLs of the images on the page that failed to load or to decode."""
    return page.evaluate(
        "() => [...document.images]"
        ".filter(image => image.currentSrc && image.complete && !image.naturalWidth)"
        ".map(image => image.currentSrc)"
    )
