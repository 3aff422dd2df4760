"""Whole slides in the background of the server: progress, time left, stop."""

import threading
import time
from dataclasses import dataclass

from idc.processes.thread_job import ThreadJob
from idc.slide_answers import SlideQuestion, answer_slide, keep_answers

_one_at_a_time = threading.Lock()  # two would only slow each other down


@dataclass(kw_only=True)
class SlideJob(ThreadJob):
    """One slide on its way and where it stands.

    The state is "waiting" (for another slide), "looking" (for tissue), "predicting", "done",
    "failed" or "stopped".
    """

    question: SlideQuestion
    work: str = "Predicting the slide"
    state: str = "waiting"

    def left_s(self) -> float | None:
        """Estimated seconds to the end; None before the first answers."""
        return super().left_s() if self.state == "predicting" else None

    def answer(self) -> None:
        """Wait for its turn, ask the model, keep the answers."""
        while not _one_at_a_time.acquire(timeout=0.2):
            self.check()
        try:
            keep_answers(self.question, answer_slide(self.question, self._step))
        finally:
            _one_at_a_time.release()

    def _step(self, state: str, done: int, total: int) -> None:
        if state != self.state:
            self.began = time.monotonic()
        self.state = state
        self.advance(done, total)


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
            job = _jobs[question.name()] = SlideJob(question=question)
            job.start(job.answer, "whole-slide")
        return job
