"""The app on a real port, and a real Chromium in front of it."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
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


@contextlib.contextmanager
def running_app(home: Path) -> Iterator[str]:
    """Start the app on a free port, as its users do; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py"]
    command += ["--server.port", str(port), "--server.headless", "true"]
    log = (home / "server.txt").open("wb")
    process = subprocess.Popen(
        command,
        cwd=PROJECT,
        env={**os.environ, "IDC_HOME": str(home)},
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        wait_for_server(f"http://127.0.0.1:{port}/healthz", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
        log.close()


def wait_for_server(url: str, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 90
    while True:
        assert process.poll() is None, "the server ended"
        assert time.monotonic() < deadline, "the server does not answer"
        with contextlib.suppress(OSError):  # refused, or slow to answer
            urllib.request.urlopen(url, timeout=5).close()
            return
        time.sleep(0.1)


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
