"""Outputs and stacks of the server and the trainers of a home, for the report of a failed test."""

import contextlib
import os
import signal
import time
from pathlib import Path

# Programs that write their stacks on SIGUSR1; the signal would end other programs.
_DUMP_ON_SIGNAL = (b"idc.training.trainer", b"streamlit_app.py")
_LINES = 150  # of each output


def process_outputs(home: Path) -> str:
    """The last lines of all outputs, after each process has written its stacks to its own."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended or belongs to another user
            dumps = any(name in (folder / "cmdline").read_bytes() for name in _DUMP_ON_SIGNAL)
            if dumps and _works_on(home, folder):
                os.kill(int(folder.name), signal.SIGUSR1)
    time.sleep(1)  # processes do not report when they have finished writing
    outputs = [home / "server.txt", *home.glob("runs/*/status.json"), *home.glob("runs/*/*.txt")]
    return "\n".join(_end(path, home) for path in outputs if path.exists())


def _works_on(home: Path, process: Path) -> bool:
    """Whether a process (its folder in /proc) has this home, directly or through a link."""
    entries = (process / "environ").read_bytes().split(b"\0")
    environ = dict(entry.partition(b"=")[::2] for entry in entries)
    return Path(os.fsdecode(environ.get(b"IDC_HOME", b""))).resolve() == home.resolve()


def _end(path: Path, home: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join([f"--- {path.relative_to(home)}", *lines[-_LINES:]])
