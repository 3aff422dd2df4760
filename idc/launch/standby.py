"""The standby trainer: a process that loads Keras in advance, so that a run starts sooner.

The server keeps at most one. A run can be assigned to it even while it is still loading; from then
on it behaves like any other trainer. It holds about 500 MB, so it exits after 15 minutes without a
run, and when the server has ended.
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
    """Start a standby trainer unless one is alive."""
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
            return  # optional: starting a run reports the failure


def assign_run(run_id: str) -> bool:
    """Assign a run to the standby trainer. Returns False if there is none."""
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
        except OSError:  # the process has just ended
            return False
        return True


def stop_standby() -> None:
    """Kill the standby trainer, so that none outlives the server."""
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
