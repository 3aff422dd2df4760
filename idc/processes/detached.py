"""Start a process in a session of its own, which can outlive this process.

Ctrl+C in the terminal reaches this process alone, and so does the end of the terminal's session.
"""

import contextlib
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from idc.files.home import PROJECT_DIR
from idc.processes.environment import child_environment


def module_command(module: str, *arguments: str) -> list[str]:
    """The command line that runs a module with this Python."""
    return [sys.executable, "-m", module, *arguments]


def start_detached(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    output: Path | int = subprocess.DEVNULL,
    errors: int | None = subprocess.STDOUT,
    stdin: int = subprocess.DEVNULL,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[str]:
    """Start a process in a session of its own, in the project's folder, with text pipes.

    The child is reaped when it ends, so it does not become a zombie.

    Args:
        environment: all its variables; `child_environment()` by default.
        output: a file to append its standard output to, or one of the constants of `subprocess`.
        errors: its standard error; by default the same as ``output``. None inherits this
            process's, which is the server's log.
        stdin: one of the constants of `subprocess`.
        pass_fds: file descriptors that the child inherits.

    Raises:
        OSError: the process cannot be started, or ``output`` cannot be written.
    """
    with contextlib.ExitStack() as stack:
        stdout = stack.enter_context(output.open("ab")) if isinstance(output, Path) else output
        process = subprocess.Popen(
            command,
            stdin=stdin,
            stdout=stdout,
            stderr=errors,
            text=True,
            pass_fds=pass_fds,
            start_new_session=True,
            cwd=PROJECT_DIR,
            env=child_environment() if environment is None else environment,
        )
    threading.Thread(target=process.wait, name="reap-child", daemon=True).start()
    return process
