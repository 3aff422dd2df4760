"""Whole slides in the background of the server: progress, time left, stop."""

import threading
import time
from dataclasses import dataclass, field

from idc.errors import IdcError
from idc.slide_answers import SlideQuestion, answer_slide, keep_answers

_one_at_a_time = threading.Lock()  # two would only slow each other down


class _Stopped(Exception):
    """The visitor asked for it."""


@dataclass
class SlideJob:
    """One slide on its way and where it stands. Read by pages, written by its thread.

    Attributes:
        state: "waiting" (for another slide), "looking" (for tissue), "predicting", "done",
            "failed" or "stopped".
        done, total: of what the state does.
        problem: why it failed, one sentence.
    """

    question: SlideQuestion
    state: str = "waiting"
    done: int = 0
    total: int = 0
    problem: str = ""
    began: float = field(default_factory=time.monotonic)
    _stop: threading.Event = field(default_factory=threading.Event)

    @property
    def live(self) -> bool:
        """Whether it waits or works."""
        return self.state in ("waiting", "looking", "predicting")

    def stop(self) -> None:
        """End at the next step; nothing half-made is left."""
        self._stop.set()

    def left_s(self) -> float | None:
        """Estimated seconds to the end; None before the first answers."""
        if self.state != "predicting" or not self.done:
            return None
        return (time.monotonic() - self.began) / self.done * (self.total - self.done)

    def _work(self) -> None:
        try:
            self._wait_for_its_turn()
            try:
                keep_answers(self.question, answer_slide(self.question, self._step))
            finally:
                _one_at_a_time.release()
            self.state = "done"
        except _Stopped:
            self.state = "stopped"
        except IdcError as error:
            self.state, self.problem = "failed", str(error)
        except Exception as error:
            # A thread's error reaches nobody else, and the page must not wait for ever.
            self.state, self.problem = "failed", f"Broke off: {type(error).__name__}."
            raise

    def _wait_for_its_turn(self) -> None:
        while not _one_at_a_time.acquire(timeout=0.2):
            if self._stop.is_set():
                raise _Stopped

    def _step(self, state: str, done: int, total: int) -> None:
        if state != self.state:
            self.began = time.monotonic()
        self.state, self.done, self.total = state, done, total
        if self._stop.is_set():
            raise _Stopped


_jobs: dict[str, SlideJob] = {}  # by the question's name
_lock = threading.Lock()


def slide_job(question: SlideQuestion) -> SlideJob | None:
    """The latest job of a question since the server started."""
    return _jobs.get(question.name())


def start_slide(question: SlideQuestion) -> SlideJob:
    """Start to answer a question, or join the job that is under way."""
    with _lock:
        job = _jobs.get(question.name())
        if job is None or not job.live:
            job = _jobs[question.name()] = SlideJob(question)
            threading.Thread(target=job._work, name="whole-slide", daemon=True).start()
        return job
