"""The app on a real port, and a real Chromium in front of it."""

import shutil
from collections.abc import Iterator

import pytest

from tests.support.app_server import running_app
from tests.support.browser_tools import broken_pictures, wait_until
from tests.support.process_stacks import process_outputs

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

_HARMLESS = (
    "404",  # Streamlit itself probes two addresses below a deep link that do not exist
    "Image source error",  # also a picture that was superseded on its way: see `broken_pictures`
)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Add the outputs of the app's processes to the report of a failed test."""
    report = yield
    if report.when == "call" and report.failed and "home" in item.funcargs:
        report.sections.append(("Process outputs", process_outputs(item.funcargs["home"])))
    return report


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
            tab.complaints.append(message.text)
            if message.type == "error" and not any(words in message.text for words in _HARMLESS)
            else None
        ),
    )
    yield tab
    for open_tab in context.pages:
        wait_until(lambda tab=open_tab: not broken_pictures(tab), "no picture is broken", 20)
    context.close()
