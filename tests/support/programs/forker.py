"""Real processes that start in tenths of a second, forked from one that has imported Keras.

`Forker` starts this module as a program. It imports modules once, then forks a process for each
``python -m MODULE`` that it is asked for. That is safe while none of them has computed anything.

python -m tests.support.programs.forker MODULE...
    Reads one request per line from standard input, as JSON, and answers each with one line:
    {"start": MODULE, "arguments": [...], "environ": {...}, "output": PATH} -> process id
    {"wait": PID} -> exit code, negative for a signal; {"poll": PID} -> the same, or "null"
    At the end of the input it kills the processes that are still running.
"""

import contextlib
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tests.support import PROJECT


class Forker:
    """A process that has imported some modules and forks others.

    Args:
        modules: to import before the first fork. They must not compute on a device.
        environ: variables of the forker and its children, beside those of this process.
    """

    def __init__(self, *modules: str, environ: Mapping[str, str] | None = None) -> None:
        self._environ = {"TF_CPP_MIN_LOG_LEVEL": "3", **(environ or {})}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.programs.forker", *modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
            env={**os.environ, **self._environ},
        )

    def start(
        self, module: str, *arguments: str, output: Path | None = None, **environ: str
    ) -> "ForkedProcess":
        """Start ``python -m MODULE ARGUMENTS`` with this process's current environment.

        Args:
            output: receives standard output and error; neither is kept by default.
            environ: further variables.
        """
        pid = self.ask(
            start=module,
            arguments=arguments,
            environ={**os.environ, **self._environ, **environ},
            output=str(output or os.devnull),
        )
        assert pid is not None
        return ForkedProcess(self, pid)

    def ask(self, **request: object) -> int | None:
        """The answer to one request."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """End the forker and all processes that it has started."""
        self._process.communicate()


class ForkedProcess:
    """Like `subprocess.Popen`: a process of a `Forker`."""

    def __init__(self, forker: Forker, pid: int) -> None:
        self._forker, self.pid = forker, pid

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._forker.ask(poll=self.pid)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; return the exit code, negative for a signal.

        Raises:
            subprocess.TimeoutExpired: it still runs after so many seconds.
        """
        if timeout is None:
            code = self._forker.ask(wait=self.pid)
            assert code is not None
            return code
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("forked process", timeout)
            time.sleep(0.01)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)


# The program


def serve(modules: list[str]) -> None:
    """Import the modules and answer requests until the input ends."""
    for module in modules:
        importlib.import_module(module)
    exit_codes: dict[int, int | None] = {}
    while line := sys.stdin.readline():
        request = json.loads(line)
        if "start" in request:
            if (answer := os.fork()) == 0:
                return become(request)
            exit_codes[answer] = None
        elif "wait" in request:
            answer = exit_code(request["wait"], exit_codes)
        else:
            answer = exit_code(request["poll"], exit_codes, os.WNOHANG)
        print(json.dumps(answer), flush=True)
    for pid, code in exit_codes.items():
        if code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    os._exit(0)  # what the modules would tidy up takes a second


def become(request: dict) -> None:
    """Turn this forked process into ``python -m MODULE``."""
    os.environ.clear()
    os.environ.update(request["environ"])
    empty = os.open(os.devnull, os.O_RDONLY)
    output = os.open(request["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for descriptor, target in ((empty, 0), (output, 1), (output, 2)):
        os.dup2(descriptor, target)
    sys.argv = ["-m", *request["arguments"]]
    sys.orig_argv = [sys.executable, "-m", request["start"], *request["arguments"]]
    runpy.run_module(request["start"], run_name="__main__", alter_sys=True)


def exit_code(pid: int, exit_codes: dict[int, int | None], options: int = 0) -> int | None:
    """The exit code of a child; None while it runs, with ``os.WNOHANG``."""
    if exit_codes[pid] is None:
        found, status = os.waitpid(pid, options)
        if found:
            exit_codes[pid] = os.waitstatus_to_exitcode(status)
    return exit_codes[pid]


if __name__ == "__main__":
    serve(sys.argv[1:])
