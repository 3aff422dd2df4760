"""A child process that answers messages: one header (JSON) and one block of bytes each way.

Two parts of the app work in children: the gate (`idc.uploads`), because what it decodes is
hostile, and the predictor (`idc.prediction`), because TensorFlow must not live in the server. No
pickle crosses the pipe, so a child that was taken over cannot reach the parent through it.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

Answer = tuple[dict[str, Any], bytes]


class ChildDied(Exception):
    """The child ended or broke the protocol before it answered."""


class ChildTimeout(Exception):
    """The child did not answer in time; it was killed."""


class Child:
    """Runs ``python -m <module> <fd>``, one question at a time, started at the first question.

    Args:
        module: the module that calls `serve` when run.
        environ: variables to set in the child, besides the parent's own.
        max_answer_bytes: the largest block that is accepted back.
    """

    def __init__(
        self,
        module: str,
        *,
        environ: Mapping[str, str] | None = None,
        max_answer_bytes: int = 256 * 2**20,
    ) -> None:
        self._module = module
        self._environ = dict(environ or {})
        self._max_answer_bytes = max_answer_bytes
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None

    def ask(self, header: Mapping[str, Any], block: bytes = b"", *, timeout_s: float) -> Answer:
        """Send a question and wait for its answer.

        Raises:
            ChildDied: the child ended meanwhile; the next question starts another.
            ChildTimeout: no answer within ``timeout_s``; the child was killed.
        """
        with self._lock:
            pipe = self._started()
            try:
                pipe.send_bytes(json.dumps(dict(header)).encode())
                pipe.send_bytes(block)
                if not pipe.poll(timeout_s):
                    self._stop()
                    raise ChildTimeout
                answer = json.loads(pipe.recv_bytes(2**20))
                return answer, pipe.recv_bytes(self._max_answer_bytes)
            except (EOFError, OSError, ValueError) as error:
                self._stop()
                raise ChildDied from error

    def close(self) -> None:
        """End the child. A later question starts a new one."""
        with self._lock:
            self._stop()

    def pid(self) -> int | None:
        """The live child's process id, None when there is none."""
        process = self._process
        return process.pid if process and process.poll() is None else None

    def _started(self) -> Connection:
        if self._pipe is not None and self._process is not None and self._process.poll() is None:
            return self._pipe
        self._stop()
        ours, theirs = Pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-m", self._module, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=Path(__file__).resolve().parent.parent,
            env={**os.environ, **self._environ},
        )
        theirs.close()
        self._pipe = ours
        return ours

    def _stop(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._pipe = self._process = None


def serve(answer: Callable[[dict[str, Any], bytes], tuple[Mapping[str, Any], bytes]]) -> None:
    """The child's side: answer questions until the parent hangs up.

    The file descriptor of the pipe is the last word of the command line.
    """
    with contextlib.suppress(EOFError), Connection(int(sys.argv[-1])) as pipe:
        while True:
            header = json.loads(pipe.recv_bytes())
            reply, block = answer(header, pipe.recv_bytes())
            pipe.send_bytes(json.dumps(dict(reply)).encode())
            pipe.send_bytes(block)
