"""A trainer that has loaded Keras ahead of its run, so that a start need not wait for the import.

At most one beside the server. It becomes the trainer of the run that it is handed, while it still
loads too; what happens then is what happens with any other. It ends by itself when the server has
gone, or when nobody has started anything for a quarter of an hour, for it holds some 500 MB.
"""

import atexit
import os
import select
import subprocess
import sys
import threading
from pathlib import Path

from idc.files.home import PROJECT_DIR, home_dir
from idc.processes.environment import KEEP_FREED_MEMORY, without_secrets

_MOST_IDLE_S = 15 * 60.0

_lock = threading.Lock()
_waiting: subprocess.Popen[str] | None = None
_home = Path()
_loading: threading.Thread | None = None  # in the waiting trainer


def trainer_environment(home: Path) -> dict[str, str]:
    """The environment of a trainer process."""
    return {**KEEP_FREED_MEMORY, **without_secrets(os.environ), "IDC_HOME": str(home)}


def keep_ready() -> None:
    """See to it that a trainer waits for a run, or loads and will wait."""
    global _waiting, _home
    with _lock:
        if _waiting is not None and _waiting.poll() is None and _home == home_dir():
            return
        _dismiss()
        _home = home_dir()
        try:
            _waiting = subprocess.Popen(
                [sys.executable, "-m", "idc.trainer", "--standby"],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                text=True,
                start_new_session=True,
                cwd=PROJECT_DIR,
                env=trainer_environment(_home),
            )
        except OSError:
            return  # nothing is lost but time; whoever starts a run is told if none can start
        # Without somebody who waits for it, an ended process would stay in the process table.
        threading.Thread(target=_waiting.wait, daemon=True).start()


def hand_over(run_id: str) -> bool:
    """Let the waiting trainer train this run. Returns whether there was one."""
    global _waiting
    with _lock:
        process = _waiting
        if process is None or _home != home_dir() or process.poll() is not None:
            _dismiss()
            return False
        _waiting = None
        assert process.stdin is not None
        try:
            with process.stdin as stdin:
                stdin.write(f"{run_id}\n")
        except OSError:  # it has ended just now
            return False
        return True


def dismiss() -> None:
    """End the waiting trainer; none outlives the server."""
    with _lock:
        _dismiss()


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


def _dismiss() -> None:
    global _waiting
    if _waiting is not None:
        _waiting.kill()
        if _waiting.stdin is not None:
            _waiting.stdin.close()
    _waiting = None


def _load() -> None:
    import idc.training  # noqa: F401


atexit.register(dismiss)
