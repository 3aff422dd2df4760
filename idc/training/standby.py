"""A standby trainer: loads Keras, then waits for a run (see `idc.launch.standby`)."""

import os
import select
import sys
import threading
from pathlib import Path

_MAX_IDLE_S = 15 * 60.0
_loader_thread: threading.Thread | None = None  # in a standby trainer


def wait_for_run() -> str:
    """Start to load Keras, then wait for a run's id on standard input; "" if none arrives.

    Keras may still be loading on return; call `wait_until_loaded` before using it.
    """
    global _loader_thread
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    _loader_thread = threading.Thread(target=_import_trainer, name="loading")
    _loader_thread.start()
    readable, _, _ = select.select([sys.stdin], [], [], _MAX_IDLE_S)
    return sys.stdin.readline().strip() if readable else ""


def wait_until_loaded() -> None:
    """Wait for the loading thread, if there is one.

    Two threads that import the same modules could each see partially initialised ones.
    """
    if _loader_thread is not None:
        _loader_thread.join()


def redirect_output(output: Path) -> None:
    """Replace the server's pipes by the run's output file."""
    with output.open("ab") as file, Path(os.devnull).open("rb") as empty:
        os.dup2(empty.fileno(), 0)
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)


def _import_trainer() -> None:
    import idc.training.loop  # noqa: F401
