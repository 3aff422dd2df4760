"""Real processes that start in tenths of a second, forked from one that has imported Keras."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tests.support import PROJECT


class Forker:
    """A process that has imported some modules and forks others; see `programs.forker`.

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
        request = {
            "start": module,
            "arguments": arguments,
            "environ": {**os.environ, **self._environ, **environ},
            "output": str(output or os.devnull),
        }
        return ForkedProcess(self, self.ask(**request))

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

    def __init__(self, forker: Forker, pid: int | None) -> None:
        assert pid is not None
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

    def kill(self) -> None:
        """Kill it."""
        os.kill(self.pid, signal.SIGKILL)

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)
