"""The trainer's side of the stand-by: load Keras, then wait for a run."""

import os
import select
import sys
import threading
from pathlib import Path

_MAX_IDLE_S = 15 * 60.0
_loader_thread: threading.Thread | None = None  # in the waiting trainer


def wait_for_run() -> str:
    """In the waiting trainer: begin to load Keras, and wait. Returns a run's id, "" if none comes.

    Keras may still be loading then; `wait_until_loaded` before anything of it is used.
    """
    global _loader_thread
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    _loader_thread = threading.Thread(target=_import_trainer, name="loading")
    _loader_thread.start()
    asked, _, _ = select.select([sys.stdin], [], [], _MAX_IDLE_S)
    return sys.stdin.readline().strip() if asked else ""


def wait_until_loaded() -> None:
    """In a trainer: until Keras is loaded, where it is being loaded already.

    Two threads that import the same modules could each meet the other's half-made ones.
    """
    if _loader_thread is not None:
        _loader_thread.join()


def redirect_output(output: Path) -> None:
    """In the waiting trainer, once it has a run: its own output instead of the server's pipes."""
    with output.open("ab") as file, Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)


def _import_trainer() -> None:
    import idc.training.loop  # noqa: F401
