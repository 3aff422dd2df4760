"""The app on a port, and a Chromium, for benches."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 300

_QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run")


@contextlib.contextmanager
def serving(
    folder: Path, script: str, environ: dict[str, str]
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Serve a Streamlit script on a free port, as its users do: its address and its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = [f"--server.port={port}", "--server.headless=true", "--server.address=127.0.0.1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", script, *options],
        cwd=folder,
        env={**os.environ, **environ},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until(lambda: _answers(f"{address}/_stcore/health"))
        yield address, process
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def idc_lab(home: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The app itself, its data and runs in ``home``."""
    with serving(ROOT, "streamlit_app.py", {"IDC_HOME": str(home)}) as started:
        yield started


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        raise SystemExit("This needs Chromium (Debian: apt-get install chromium).")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_QUIET))
        yield browser
        browser.close()


def wait_until(condition: Callable[[], object]) -> None:
    """Poll a condition."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit("The server or the page did not answer in time.")
        time.sleep(0.1)


def _answers(url: str) -> bool:
    with contextlib.suppress(OSError):
        urllib.request.urlopen(url, timeout=5).close()
        return True
    return False
