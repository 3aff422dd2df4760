"""Run the app as a server on a free port."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support import PROJECT

OUTPUT_FILE = "server.txt"


@contextlib.contextmanager
def running_app(home: Path, base_path: str = "") -> Iterator[str]:
    """Start the app on a free port, as its users do; yields its address.

    The server's output goes to ``server.txt`` in its home.

    Args:
        base_path: Streamlit's ``server.baseUrlPath``, without slashes.
    """
    with _app_process(home, home / OUTPUT_FILE, base_path) as address:
        yield address


@dataclass(frozen=True)
class SharedApp:
    """A running app for many tests, each with a home of its own.

    The server's ``IDC_HOME`` is a link, and `idc.files.home.home_dir` resolves it at each use. No
    test sees what another one left in the server's memory: the app keys what it keeps there by
    resolved paths, digests of contents and random run ids.

    Attributes:
        address: URL without a slash at the end.
        link: the server's ``IDC_HOME``.
        output: file with the server's output, also of earlier tests.
    """

    address: str
    link: Path
    output: Path

    def use_home(self, home: Path) -> None:
        """Serve this home from now on."""
        _point(self.link, home)
        (home / OUTPUT_FILE).symlink_to(self.output)


@contextlib.contextmanager
def shared_app(folder: Path) -> Iterator[SharedApp]:
    """Start the app without a home.

    Args:
        folder: an empty folder for the link and the output.
    """
    link, output = folder / "home", folder / OUTPUT_FILE
    (folder / "unused").mkdir()
    _point(link, folder / "unused")
    with _app_process(link, output) as address:
        yield SharedApp(address, link, output)


def _point(link: Path, target: Path) -> None:
    """Make or replace a link atomically: the server may be reading it."""
    new = link.with_name(f"{link.name}.new")
    new.symlink_to(target, target_is_directory=True)
    new.replace(link)


@contextlib.contextmanager
def _app_process(home: Path, output: Path, base_path: str = "") -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py"]
    command += ["--server.port", str(port), "--server.headless", "true"]
    if base_path:
        command += ["--server.baseUrlPath", base_path]
    log = output.open("wb")
    process = subprocess.Popen(
        command,
        cwd=PROJECT,
        env={**os.environ, "IDC_HOME": str(home)},
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        wait_for_server(f"http://127.0.0.1:{port}/healthz", process)
        yield f"http://127.0.0.1:{port}/{base_path}".rstrip("/")
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
