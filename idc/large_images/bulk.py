"""Predict many slides: one worker per device, one result file per slide, resumable.

A worker (`idc.large_images.bulk_worker`) reads and tiles; the model runs in a child process of the
worker, on the worker's device. A failed slide is reported, and the others continue.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from idc.errors import IdcError
from idc.large_images.bulk_task import BulkSettings, SlideTask, is_done
from idc.prediction.engines import DEVICE_VARIABLE
from idc.processes.child import Child, ChildDied, ChildTimeout
from idc.processes.time_left import time_left_s

_SLIDE_TIMEOUT_S = 12 * 3600.0  # a large slide with overlap on one core takes hours, not days
_MAX_WORKERS_LOST_IN_A_ROW = (
    3  # without one good slide in between: the device is the problem, not a slide
)

TaskRunner = Callable[
    [SlideTask], str
]  # does a task; returns why it could not, empty when it could


class WorkerLost(IdcError):
    """A worker ended while it processed a slide."""


@dataclass
class BulkProgress:
    """Progress of a job.

    Attributes:
        total: number of slides. ``kept``: done in an earlier job. ``done``: done in this job.
        failed: name and reason of each failed slide.
    """

    total: int
    kept: int = 0
    done: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    @property
    def over(self) -> int:
        """Number of finished slides, including failed ones."""
        return self.kept + self.done + len(self.failed)

    def left_s(self) -> float | None:
        """Estimated seconds to the end by the pace of this time; None before the first slide."""
        worked = self.done + len(self.failed)
        return time_left_s(time.monotonic() - self.began, worked, self.total - self.over)


OnProgress = Callable[[BulkProgress], None]


def pending_tasks(
    tasks: Sequence[SlideTask], settings: BulkSettings, folder: Path
) -> tuple[list[SlideTask], BulkProgress]:
    """The tasks without a result, and the initial progress of the job.

    Raises:
        IdcError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise IdcError(f"'{folder}' cannot be written ({error.strerror}).") from error
    todo = [task for task in tasks if not _is_done(task, settings, folder)]
    return todo, BulkProgress(len(tasks), kept=len(tasks) - len(todo))


def predict_slides(
    todo: Iterable[SlideTask],
    progress: BulkProgress,
    workers: Sequence[TaskRunner],
    on_progress: OnProgress = lambda progress: None,
) -> BulkProgress:
    """Run the tasks; each worker takes the next slide until none is left.

    Args:
        progress: updated and returned.
        workers: one per device; each is called by its own thread, one slide at a time.
        on_progress: called after each slide, by one thread at a time.
    """
    tasks, lock = iter(todo), threading.Lock()
    threads = [
        threading.Thread(target=_run_tasks, args=(run_task, tasks, lock, progress, on_progress))
        for run_task in workers
    ]
    for thread in threads:
        thread.daemon = True  # Ctrl-C ends the job; finished results are on disk
        thread.start()
    for thread in threads:
        thread.join()
    for task in tasks:  # remaining tasks if every worker gave up
        progress.failed.append((task.name, "Not started: all workers ended unexpectedly."))
    return progress


@contextlib.contextmanager
def device_workers(
    devices: Sequence[str], settings: BulkSettings, folder: Path
) -> Iterator[list[TaskRunner]]:
    """A worker process for each device ("cpu" or a GPU's number) while the context is open."""
    children = [
        Child("idc.large_images.bulk_worker", environ={DEVICE_VARIABLE: device})
        for device in devices
    ]

    def runner_of(child: Child) -> TaskRunner:
        return lambda task: _ask(child, task, settings, folder)

    try:
        yield [runner_of(child) for child in children]
    finally:
        for child in children:
            child.close()


def _run_tasks(
    run_task: TaskRunner,
    tasks: Iterator[SlideTask],
    lock: threading.Lock,
    progress: BulkProgress,
    on_progress: OnProgress,
) -> None:
    losses = 0
    while losses < _MAX_WORKERS_LOST_IN_A_ROW:
        with lock:
            task = next(tasks, None)
        if task is None:
            return
        try:
            problem, losses = run_task(task), 0
        except WorkerLost as error:
            problem, losses = str(error), losses + 1
        with lock:
            if problem:
                progress.failed.append((task.name, problem))
            else:
                progress.done += 1
            on_progress(progress)


def _ask(child: Child, task: SlideTask, settings: BulkSettings, folder: Path) -> str:
    question = {"task": asdict(task), "settings": asdict(settings), "folder": str(folder)}
    try:
        answer, _ = child.ask(question, timeout_s=_SLIDE_TIMEOUT_S)
    except ChildTimeout as error:
        raise WorkerLost("It was not finished within 12 hours.") from error
    except ChildDied as error:
        raise WorkerLost("Its worker ended unexpectedly (out of memory?).") from error
    return str(answer["problem"])


def _is_done(task: SlideTask, settings: BulkSettings, folder: Path) -> bool:
    try:
        return is_done(task, settings, folder)
    except IdcError:  # the slide is gone; the task itself reports that
        return False
