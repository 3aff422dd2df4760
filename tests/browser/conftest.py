"""The app on a real port, and a real Chromium in front of it."""

import shutil
from collections.abc import Iterator

import pytest
from app_server import running_app

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PATIENCE_MS = 90_000  # only so that a broken app does not hang the tests

_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture
def app(home) -> Iterator[str]:
    """A fresh server with an empty home."""
    with running_app(home) as address:
        yield address


@pytest.fixture(scope="session")
def chromium():
    """A headless Chromium; skips where none is installed."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium (Debian: apt-get install chromium)")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_QUIET))
        yield browser
        browser.close()


@pytest.fixture
def page(chromium):
    """A tab that collects what the browser complains about."""
    context = chromium.new_context(viewport={"width": 1280, "height": 1000})
    context.set_default_timeout(PATIENCE_MS)
    tab = context.new_page()
    tab.complaints = []
    tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
    tab.on(
        "console",
        lambda message: (
            # Streamlit itself probes two addresses below a deep link that do not exist.
            tab.complaints.append(message.text)
            if message.type == "error" and "404" not in message.text
            else None
        ),
    )
    yield tab
    context.close()
