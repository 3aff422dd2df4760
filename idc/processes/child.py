"""A child process that answers requests: one header (JSON) and one block of bytes each way.

Two parts of the app run in children: the gate (`idc.uploads.gate`), because it decodes hostile
bytes, and the predictor (`idc.prediction.predictor`), because the server must not import
TensorFlow. No pickle crosses the pipe, so a compromised child cannot attack the parent through it.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

from idc.files.home import PROJECT_DIR
from idc.processes.environment import without_secrets
from idc.processes.fair_semaphore import FairSemaphore

Answer = tuple[dict[str, Any], bytes | bytearray]
Reply = tuple[Mapping[str, Any], bytes | Iterable[bytes]]  # the block whole, or in parts


class ChildDied(Exception):
    """The child ended or broke the protocol before it answered."""


class ChildTimeout(Exception):
    """The child did not answer in time; it was killed."""


class Child:
    """Runs ``python -m <module> <fd>``, one request at a time; starts at the first request.

    Concurrent requests are served in the order of arrival.

    Args:
        module: the module that calls `serve` when run.
        environ: variables to set in the child, in addition to the inherited ones.
        inherit: names of the variables that the child inherits; None: all but the secrets
            (`idc.processes.environment`).
        max_answer_bytes: the largest block that is accepted as an answer.
        max_questions: the process is replaced after this many requests; None: never.
        max_idle_s: the process ends after so many seconds without a request; None: never.
    """

    def __init__(
        self,
        module: str,
        *,
        environ: Mapping[str, str] | None = None,
        inherit: Collection[str] | None = None,
        max_answer_bytes: int = 256 * 2**20,
        max_questions: int | None = None,
        max_idle_s: float | None = None,
    ) -> None:
        self._module = module
        self._environ = dict(environ or {})
        self._inherit = inherit
        self._max_answer_bytes = max_answer_bytes
        self._max_questions = max_questions
        self._max_idle_s = max_idle_s
        self._idle_timer: threading.Timer | None = None
        self._questions = 0  # sent to the current process
        self._semaphore = FairSemaphore()
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None

    def ask(self, header: Mapping[str, Any], block: bytes = b"", *, timeout_s: float) -> Answer:
        """Send a request and wait for its answer.

        The time limit covers the whole exchange, including the child's start, but not the wait for
        other threads' requests.

        Raises:
            ChildDied: the child ended before it answered; the next request starts another.
            ChildTimeout: no answer within ``timeout_s``; the child was killed.
        """
        question = json.dumps(dict(header)).encode()
        with self._semaphore:
            if self._idle_timer:
                self._idle_timer.cancel()
            try:
                return self._exchange(question, block, timeout_s)
            except (EOFError, OSError, ValueError, RecursionError) as error:
                self._stop()
                raise ChildDied from error
            except BaseException:
                # An unread answer in the pipe would be given to the next request.
                self._stop()
                raise
            finally:
                self._watch_idleness()

    def start(self) -> None:
        """Start the process now, so that the first request need not wait for it."""
        with self._semaphore:
            try:
                self._ensure_started()
            except OSError as error:
                raise ChildDied from error

    def close(self) -> None:
        """End the child. A later request starts a new one."""
        with self._semaphore:
            self._stop()

    def pid(self) -> int | None:
        """The live child's process id; None when there is none."""
        process = self._process
        return process.pid if process and process.poll() is None else None

    def _exchange(self, question: bytes, block: bytes, timeout_s: float) -> Answer:
        if self._questions == self._max_questions:
            self._stop()
        pipe = self._ensure_started()
        self._questions += 1
        with _deadline(pipe, timeout_s):
            pipe.send_bytes(question)
            pipe.send_bytes(block)
            answer = json.loads(pipe.recv_bytes(2**20))
            if not isinstance(answer, dict):
                raise ValueError("not a header")
            return answer, _receive_parts(pipe, self._max_answer_bytes)

    def _ensure_started(self) -> Connection:
        if self._pipe is not None and self._process is not None and self._process.poll() is None:
            return self._pipe
        self._stop()
        ours, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self._module, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=PROJECT_DIR,
                env={**self._inherited(), **self._environ},
            )
        self._pipe = ours
        return ours

    def _watch_idleness(self) -> None:
        if self._max_idle_s is not None and self._process is not None:
            self._idle_timer = threading.Timer(self._max_idle_s, self._stop_if_idle)
            self._idle_timer.daemon = True
            self._idle_timer.start()

    def _stop_if_idle(self) -> None:
        with self._semaphore:
            # A request that came while this waited has set another timer.
            if self._idle_timer is threading.current_thread():
                self._stop()

    def _inherited(self) -> dict[str, str]:
        own = os.environ
        if self._inherit is None:
            return without_secrets(own)
        return {name: own[name] for name in self._inherit if name in own}

    def _stop(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._pipe = self._process = None
        self._questions = 0


def _receive_parts(pipe: Connection, max_bytes: int) -> bytearray:
    """A block that arrives in parts; an empty part ends it."""
    block = bytearray()
    while part := pipe.recv_bytes(max_bytes - len(block)):
        block += part
    return block


@contextlib.contextmanager
def _deadline(pipe: Connection, timeout_s: float) -> Iterator[None]:
    """Shut the pipe down at the deadline, and raise ChildTimeout.

    Polling before the read is not enough: a child may stop reading in the middle of a request, or
    send half an answer and then nothing. The shutdown also ends a read when a descendant of the
    child still holds the other end.
    """
    expired = threading.Event()
    with socket.socket(fileno=os.dup(pipe.fileno())) as duplicate_socket:

        def shut_down() -> None:
            expired.set()
            with contextlib.suppress(OSError):  # the child closed it first
                duplicate_socket.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(timeout_s, shut_down)
        timer.daemon = True
        timer.start()
        try:
            yield
        except (EOFError, OSError):
            if not expired.is_set():
                raise
        finally:
            timer.cancel()
            timer.join()  # the descriptor's number may be reused afterwards
    if expired.is_set():
        raise ChildTimeout


def serve(answer: Callable[[dict[str, Any], bytes], Reply]) -> None:
    """The child's side: answer requests until the parent closes the pipe.

    The file descriptor of the pipe is the last argument of the command line.
    """
    with contextlib.suppress(EOFError), Connection(int(sys.argv[-1])) as pipe:
        while True:
            _answer_one(pipe, answer)


def _answer_one(pipe: Connection, answer: Callable[[dict[str, Any], bytes], Reply]) -> None:
    """One exchange; a function of its own, so that its blocks are freed before the next."""
    header = json.loads(pipe.recv_bytes())
    reply, block = answer(header, pipe.recv_bytes())
    pipe.send_bytes(json.dumps(dict(reply)).encode())
    for part in (block,) if isinstance(block, bytes) else block:
        if part:
            pipe.send_bytes(part)
    pipe.send_bytes(b"")
