"""What models said about whole slides, kept on disk.

An answer is a folder in `whole_slides_dir`, under a name that its question gives, so the same
question is answered at once, after a refresh and for another visitor too. The newest 30 stay.
"""

import contextlib
import hashlib
import json
import shutil
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from idc.errors import SlideError
from idc.files.home import whole_slides_dir
from idc.imaging.tiling import Tiling
from idc.large_images.region import Layout, RegionAnswers
from idc.large_images.whole_slide import WholeSlide, lay_out_slide, predict_slide
from idc.patches import PATCH_SIZE_PX
from idc.processes.thread_job import ThreadJob
from idc.runs.run import Run

_one_at_a_time = threading.Lock()  # two would only slow each other down
_lock = threading.Lock()

MOST_KEPT = 30

_CELLS_FILE, _OVERVIEW_FILE, _FACTS_FILE = "cells.npz", "overview.png", "facts.json"


@dataclass(frozen=True)
class SlideQuestion:
    """What is asked about a slide.

    Attributes:
        path: the file.
        mpp_um: micrometres per px at full resolution.
        run: whose model answers.
        stride: px from tile to tile, see `Tiling`.
    """

    path: Path
    mpp_um: float
    run: Run
    stride: int = PATCH_SIZE_PX

    def name(self) -> str:
        """16 hex digits; another file, scale, stride or weights, another name.

        Raises:
            SlideError: the file is gone.
        """
        try:
            facts = self.path.stat()
        except OSError as error:
            raise SlideError(f"'{self.path.name}' is no longer there.") from error
        weights = self.run.best().get("sha256", "")
        file = [str(self.path), facts.st_size, facts.st_mtime_ns]
        asked = json.dumps([*file, self.mpp_um, self.stride, self.run.id, weights])
        return hashlib.sha256(asked.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class SlideAnswers:
    """What a model said about a whole slide, and the slide as a small picture.

    Attributes:
        answers: in px of the slide's full resolution.
        overview: uint8 RGB, shape (height, width, 3).
    """

    answers: RegionAnswers
    overview: np.ndarray


def answer_slide(
    question: SlideQuestion, on_step: Callable[[str, int, int], None] | None = None
) -> SlideAnswers:
    """Look for tissue, then ask the model about every tile of it.

    Args:
        on_step: called with ("looking" or "predicting", done, in all); what it raises ends the
            work.

    Raises:
        SlideError, UploadError: the file cannot be read, or has not that scale.
        PredictionError: the model cannot answer.
    """
    step = on_step or (lambda state, done, total: None)
    with WholeSlide(question.path) as slide:
        overview = slide.overview(lambda done, total: step("looking", done, total))
        layout = lay_out_slide(slide, overview, question.mpp_um, question.stride)
        answers = predict_slide(
            question.run,
            slide,
            layout,
            on_progress=lambda done, total: step("predicting", done, total),
        )
    return SlideAnswers(answers, overview)


def keep_answers(question: SlideQuestion, found: SlideAnswers) -> None:
    """Save answers whole or not at all, and let the oldest go."""
    folder = whole_slides_dir() / question.name()
    folder.parent.mkdir(parents=True, exist_ok=True)
    layout = found.answers.layout
    facts = {
        "file": str(question.path),
        "run": question.run.id,
        "width_px": layout.width_px,
        "height_px": layout.height_px,
        "mpp_um": layout.mpp_um,
        "stride": layout.tiling.stride,
        "tiled_px": [layout.tiling.width, layout.tiling.height],
    }
    making = Path(tempfile.mkdtemp(prefix=".", dir=folder.parent))
    try:
        np.savez_compressed(making / _CELLS_FILE, tiles=found.answers.tiles, tissue=layout.tissue)
        cv2.imwrite(str(making / _OVERVIEW_FILE), found.overview[..., ::-1])
        (making / _FACTS_FILE).write_text(json.dumps(facts, indent=1))
        shutil.rmtree(folder, ignore_errors=True)
        making.rename(folder)
    except OSError as error:
        raise SlideError(
            f"The answers could not be kept ({error.strerror}); check the disk."
        ) from error
    finally:
        shutil.rmtree(making, ignore_errors=True)
    _let_the_oldest_go(folder.parent)


def kept_answers(question: SlideQuestion) -> SlideAnswers | None:
    """The answers to exactly this question; None when there are none."""
    folder = whole_slides_dir() / question.name()
    # A damaged folder is as good as none: it can be made again.
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        facts = json.loads((folder / _FACTS_FILE).read_text())
        with np.load(folder / _CELLS_FILE, allow_pickle=False) as cells:
            tiles, tissue = cells["tiles"], cells["tissue"]
        picture = cv2.imread(str(folder / _OVERVIEW_FILE))
        if picture is not None:
            width, height = facts["tiled_px"]
            tiling = Tiling(width, height, facts["stride"])
            layout = Layout(facts["width_px"], facts["height_px"], facts["mpp_um"], tiling, tissue)
            overview = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
            return SlideAnswers(RegionAnswers(layout, tiles), overview)
    return None


def kept_when(question: SlideQuestion) -> int | None:
    """When the answers were kept, in nanoseconds; None when there are none."""
    try:
        return (whole_slides_dir() / question.name() / _FACTS_FILE).stat().st_mtime_ns
    except OSError:
        return None


def _let_the_oldest_go(parent: Path) -> None:
    folders = [entry for entry in parent.iterdir() if not entry.name.startswith(".")]
    folders.sort(key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in folders[MOST_KEPT:]:
        shutil.rmtree(folder, ignore_errors=True)


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
