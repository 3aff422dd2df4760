"""Many slides: one worker a device, one result file a slide, and on again after any break.

A worker (`idc.large_images.bulk_worker`) reads and tiles; the model itself runs in a child of the
worker, on the worker's device. A slide that cannot be done is named, and the others go on.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from idc.errors import IdcError
from idc.large_images.bulk_task import BulkSettings, SlideTask, is_done
from idc.prediction.predictor import DEVICE_VARIABLE
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
    """A worker ended in the middle of a slide."""


@dataclass
class BulkProgress:
    """How far a job is.

    Attributes:
        total: slides in all. ``kept``: of these, done before. ``done``: finished now.
        failed: name and reason of each slide that could not be done.
    """

    total: int
    kept: int = 0
    done: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    @property
    def over(self) -> int:
        """Slides that need nothing more."""
        return self.kept + self.done + len(self.failed)

    def left_s(self) -> float | None:
        """Estimated seconds to the end by the pace of this time; None before the first slide."""
        worked = self.done + len(self.failed)
        return time_left_s(time.monotonic() - self.began, worked, self.total - self.over)


OnProgress = Callable[[BulkProgress], None]


def pending_tasks(
    tasks: Sequence[SlideTask], settings: BulkSettings, folder: Path
) -> tuple[list[SlideTask], BulkProgress]:
    """The tasks whose result is not there yet, and a job's progress to begin with.

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
    """Let each worker take the next slide until there is none.

    Args:
        progress: counts on from here; also what is given back.
        workers: one a device; each is called by a thread of its own, one slide at a time.
        on_progress: called after each slide, by one thread at a time.
    """
    tasks, lock = iter(todo), threading.Lock()
    threads = [
        threading.Thread(target=_run_tasks, args=(run_task, tasks, lock, progress, on_progress))
        for run_task in workers
    ]
    for thread in threads:
        thread.daemon = True  # Ctrl-C ends the job; what is finished is on the disk
        thread.start()
    for thread in threads:
        thread.join()
    for task in tasks:  # left when every worker gave up
        progress.failed.append((task.name, "Not begun: all workers ended unexpectedly."))
    return progress


@contextlib.contextmanager
def device_workers(
    devices: Sequence[str], settings: BulkSettings, folder: Path
) -> Iterator[list[TaskRunner]]:
    """A worker process for each device, "cpu" or a GPU's number, for the length of a ``with``."""
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
    lost = 0
    while lost < _MAX_WORKERS_LOST_IN_A_ROW:
        with lock:
            task = next(tasks, None)
        if task is None:
            return
        try:
            problem, lost = run_task(task), 0
        except WorkerLost as error:
            problem, lost = str(error), lost + 1
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
        raise WorkerLost("It was not answered in 12 hours.") from error
    except ChildDied as error:
        raise WorkerLost("Its worker ended unexpectedly (out of memory?).") from error
    return str(answer["problem"])


def _is_done(task: SlideTask, settings: BulkSettings, folder: Path) -> bool:
    try:
        return is_done(task, settings, folder)
    except IdcError:  # gone: whoever works on it says so
        return False
