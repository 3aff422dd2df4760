"""The trainer's side of the stand-by: load Keras, then wait for a run."""

import os
import select
import sys
import threading
from pathlib import Path

_MOST_IDLE_S = 15 * 60.0
_loading: threading.Thread | None = None  # in the waiting trainer


def wait_for_a_run() -> str:
    """In the waiting trainer: begin to load Keras, and wait. Returns a run's id, "" if none comes.

    Keras may still be loading then; `finish_loading` before anything of it is used.
    """
    global _loading
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    _loading = threading.Thread(target=_load, name="loading")
    _loading.start()
    asked, _, _ = select.select([sys.stdin], [], [], _MOST_IDLE_S)
    return sys.stdin.readline().strip() if asked else ""


def finish_loading() -> None:
    """In a trainer: until Keras is loaded, where it is being loaded already.

    Two threads that import the same modules could each meet the other's half-made ones.
    """
    if _loading is not None:
        _loading.join()


def write_into(output: Path) -> None:
    """In the waiting trainer, once it has a run: its own output instead of the server's pipes."""
    with output.open("ab") as file, Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)


def _load() -> None:
    import idc.training.loop  # noqa: F401
