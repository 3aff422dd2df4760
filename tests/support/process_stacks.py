"""Stacks and outputs of the server and the trainers of a home, for failed tests."""

import contextlib
import os
import signal
import time
from pathlib import Path

_TELL_ON_SIGNAL = (
    b"idc.training.trainer",
    b"streamlit_app.py",
)  # the signal would end other processes
_LINES = 150  # of each output


def tell(home: Path) -> str:
    """The last lines of all outputs, after each process has dumped its stacks to its output."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # ended, or owned by another user
            ours = f"IDC_HOME={home}".encode() in (folder / "environ").read_bytes().split(b"\0")
            if ours and any(name in (folder / "cmdline").read_bytes() for name in _DUMP_ON_SIGNAL):
                os.kill(int(folder.name), signal.SIGUSR1)
    time.sleep(1)  # there is no signal for the end of the dump
    outputs = [home / "server.txt", *home.glob("runs/*/status.json"), *home.glob("runs/*/*.txt")]
    return "\n".join(_end(path, home) for path in outputs if path.exists())


def _end(path: Path, home: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join([f"--- {path.relative_to(home)}", *lines[-_LINES:]])
