"""The app on a real port, driven by a real Chromium."""

import shutil
from collections.abc import Iterator

import pytest

from tests.support.app_server import SharedApp, running_app, shared_app
from tests.support.browser_tools import broken_pictures, wait_until
from tests.support.process_stacks import process_outputs

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PATIENCE_MS = 90_000  # limits the time lost on a broken app

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
    "404",  # Streamlit probes two URLs below a deep link that do not exist
    "Image source error",  # also logged for an image replaced while loading: see `broken_pictures`
)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Report the stacks of the processes when a test fails."""
    report = yield
    if report.when == "call" and report.failed and "home" in item.funcargs:
        report.sections.append(("Process outputs", process_outputs(item.funcargs["home"])))
    return report


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory) -> Iterator[SharedApp]:
    """One server for all tests of this process: each start costs seconds."""
    with shared_app(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def app(shared_server, home) -> str:
    """The address of the shared server, which serves the empty home of this test."""
    shared_server.use_home(home)
    return shared_server.address


@pytest.fixture
def fresh_app(home) -> Iterator[str]:
    """The address of a server that starts for this test, with an empty home."""
    with running_app(home) as address:
        yield address


@pytest.fixture(scope="session")
def chromium():
    """A headless Chromium; skips the test if none is installed."""
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
    """A tab that collects the errors of the browser."""
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
