"""Run the app as a server on a free port."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tests.support import PROJECT


@contextlib.contextmanager
def running_app(home: Path, base_path: str = "") -> Iterator[str]:
    """Start the app on a free port, as its users do; yields its address.

    Args:
        base_path: Streamlit's ``server.baseUrlPath``, without slashes.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py"]
    command += ["--server.port", str(port), "--server.headless", "true"]
    if base_path:
        command += ["--server.baseUrlPath", base_path]
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
