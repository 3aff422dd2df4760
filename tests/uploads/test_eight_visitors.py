"""Eight simultaneous visitors with sixty predictions each get their own results, in fair order."""

import threading
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from idc.errors import UploadError
from idc.prediction import engines
from idc.prediction.predictor import predict_patches
from idc.processes.fair_semaphore import FairSemaphore
from idc.runs.run import BUNDLED_RUN_ID, open_run
from idc.uploads.gate import decode_image
from tests.support.hostile_files import GOOD, bombs_and_polyglots, malformed_files
from tests.support.waiting import wait_until

VISITORS, PREDICTIONS = 8, 60


class Worker:
    """A fake predictor process: answers after a signal, and records the size of each request."""

    def __init__(self) -> None:
        self.semaphore, self.may_answer = FairSemaphore(), threading.Event()
        self.counts: list[int] = []

    def ask(self, question, block, *, timeout_s):
        with self.semaphore:
            self.counts.append(question["count"])
            self.may_answer.wait()
            answers = np.zeros(question["count"], np.float32)
            return {"shape": list(answers.shape)}, answers.tobytes()


def test_single_patch_waits_for_at_most_one_batch_of_a_long_job(monkeypatch):
    worker = Worker()
    monkeypatch.setattr(engines, "_light_worker", lambda: worker)
    run = open_run(BUNDLED_RUN_ID)
    long = in_thread(lambda: predict_patches(run, np.zeros((1_000, 50, 50, 3), np.uint8)))
    wait_until(lambda: worker.counts, "the long job is being answered")
    single = in_thread(lambda: predict_patches(run, np.zeros((1, 50, 50, 3), np.uint8)))
    wait_until(lambda: worker.semaphore.waiting_count() == 1, "the single patch waits")
    worker.may_answer.set()
    single.join()
    long.join()

    assert worker.counts == [256, 1, 256, 256, 232]


@pytest.mark.slow
def test_every_visitor_gets_own_results_while_hostile_files_arrive():
    run = open_run(BUNDLED_RUN_ID)
    patches = np.random.default_rng(0).integers(
        0, 256, (VISITORS, PREDICTIONS, 1, 1, 3), np.uint8
    ) + np.zeros((50, 50, 1), np.uint8)
    expected = predict_patches(run, patches.reshape(-1, 50, 50, 3)).reshape(VISITORS, PREDICTIONS)
    wrong: list[tuple[int, int]] = []
    stopped = threading.Event()

    def visit(visitor: int) -> None:
        for number, patch in enumerate(patches[visitor]):
            image = decode_image(cv2.imencode(".png", patch[..., ::-1])[1].tobytes())
            answer = predict_patches(run, image.rgb[None])[0]
            right = abs(answer - expected[visitor, number]) < 1e-4
            if not right or not np.array_equal(image.rgb, patch):
                wrong.append((visitor, number))

    fed = in_thread(lambda: feed_hostile_files(stopped))
    visits = [in_thread(lambda visitor=visitor: visit(visitor)) for visitor in range(VISITORS)]
    for thread in visits:
        thread.join()
    stopped.set()
    fed.join()

    assert wrong == []
    assert decode_image(GOOD).rgb.shape == (1, 2, 3)


def feed_hostile_files(stopped: threading.Event) -> None:
    files = [*malformed_files().values(), *(data for _, data in bombs_and_polyglots().values())]
    while not stopped.is_set():
        for data in files:
            if stopped.is_set():
                return
            try:
                decode_image(data)
            except UploadError:
                continue


def in_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread
