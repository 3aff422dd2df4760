"""A trainer that has loaded Keras ahead of its run, so that a start need not wait for the import.

At most one beside the server. It becomes the trainer of the run that it is handed, while it still
loads too; what happens then is what happens with any other. It ends by itself when the server has
gone, or when nobody has started anything for a quarter of an hour, for it holds some 500 MB.
"""

import atexit
import subprocess
import threading
from pathlib import Path

from idc.files.home import home_dir
from idc.processes.detached import module_command, start_detached
from idc.processes.environment import child_environment

_lock = threading.Lock()
_standby_process: subprocess.Popen[str] | None = None
_home = Path()


def ensure_standby() -> None:
    """See to it that a trainer waits for a run, or loads and will wait."""
    global _standby_process, _home
    with _lock:
        if _standby_process is not None and _standby_process.poll() is None and _home == home_dir():
            return
        _stop_standby()
        _home = home_dir()
        try:
            _standby_process = start_detached(
                module_command("idc.training.trainer", "--standby"),
                environment=child_environment(runs_network=True),
                stdin=subprocess.PIPE,
            )
        except OSError:
            return  # nothing is lost but time; whoever starts a run is told if none can start


def assign_run(run_id: str) -> bool:
    """Let the waiting trainer train this run. Returns whether there was one."""
    global _standby_process
    with _lock:
        process = _standby_process
        if process is None or _home != home_dir() or process.poll() is not None:
            _stop_standby()
            return False
        _standby_process = None
        assert process.stdin is not None
        try:
            with process.stdin as stdin:
                stdin.write(f"{run_id}\n")
        except OSError:  # it has ended just now
            return False
        return True


def stop_standby() -> None:
    """End the waiting trainer; none outlives the server."""
    with _lock:
        _stop_standby()


def _stop_standby() -> None:
    global _standby_process
    if _standby_process is not None:
        _standby_process.kill()
        if _standby_process.stdin is not None:
            _standby_process.stdin.close()
    _standby_process = None


atexit.register(stop_standby)
