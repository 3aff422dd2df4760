import json
import os
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from idc.errors import PredictionError
from idc.files.home import whole_slides_dir
from idc.large_images import slide_predictions, whole_slide
from idc.large_images.slide_predictions import (
    SlidePredictions,
    SlideRequest,
    predict_slide_file,
    save_predictions,
    saved_at_ns,
    saved_predictions,
    slide_job,
    start_slide_job,
)
from idc.runs.run import BUNDLED_RUN_ID, open_run
from tests.support.made_slides import made_answers, tissue_squares, write_scn, write_slide


@pytest.fixture
def question(home, tmp_path):
    rgb = tissue_squares(600, 400, 200, [(0, 0), (1, 2)])
    path = write_slide(tmp_path / "s.svs", rgb, mpp_um=1.0)
    return SlideRequest(path, 1.0, open_run(BUNDLED_RUN_ID))


@pytest.fixture
def answering(monkeypatch):
    """A model that returns 0.5 for each patch once this event is set."""
    go = threading.Event()
    go.set()

    def answer(run, patches):
        assert go.wait(60)
        return np.full(len(patches), 0.5, np.float32)

    monkeypatch.setattr(whole_slide, "predict_patches", answer)
    return go


def finished(job):
    """Wait until the job ends."""
    for thread in threading.enumerate():
        if thread.name == "whole-slide":
            thread.join(60)
    assert not job.live
    return job


def found_answers() -> SlidePredictions:
    rgb = np.arange(30 * 40 * 3, dtype=np.uint32).astype(np.uint8).reshape(30, 40, 3)
    return SlidePredictions(made_answers([[0.25, np.nan, 0.5]], stride=25), rgb)


def test_steps_are_looking_then_predicting(question, answering):
    steps = []
    predictions = predict_slide_file(question, lambda *step: steps.append(step))

    assert steps == [("looking", 1, 1), ("predicting", 2, 2)]
    assert predictions.answers.layout.tissue.tolist() == [
        [True, False, False],
        [False, False, True],
    ]
    assert predictions.overview.shape == (400, 600, 3)


def test_saved_predictions_are_loaded_exactly(question):
    predictions = found_answers()
    assert saved_predictions(question) is None
    assert saved_at_ns(question) is None
    save_predictions(question, predictions)
    again = saved_predictions(question)

    np.testing.assert_array_equal(again.overview, predictions.overview)
    np.testing.assert_array_equal(again.answers.tiles, predictions.answers.tiles)
    np.testing.assert_array_equal(again.answers.cells(), predictions.answers.cells())
    assert again.answers.layout.x_edges_px.tolist() == [0, 25, 50, 75, 100]
    assert saved_at_ns(question) is not None


def test_bounds_are_saved_and_found_again(question):
    predictions = found_answers()
    layout = replace(predictions.answers.layout, bounds_px=(3, 4, 20, 10))
    answers = replace(predictions.answers, layout=layout)
    save_predictions(question, replace(predictions, answers=answers))

    assert saved_predictions(question).answers.layout.bounds_px == (3, 4, 20, 10)


def test_predictions_saved_without_bounds_take_them_from_the_file(home, tmp_path):
    rgb = tissue_squares(600, 400, 200, [(0, 0)])
    path = write_scn(tmp_path / "s.scn", rgb, size=(1600, 1200), at=(400, 320), mpp_um=1.0)
    request = SlideRequest(path, 1.0, open_run(BUNDLED_RUN_ID))
    save_predictions(request, found_answers())
    facts = whole_slides_dir() / request.name() / "facts.json"
    saved = json.loads(facts.read_text())
    del saved["bounds_px"]
    facts.write_text(json.dumps(saved))

    assert saved_predictions(request).answers.layout.bounds_px == (400, 320, 600, 400)


def test_different_requests_have_different_names(question, tmp_path):
    run = question.run
    names = {
        question.name(),
        SlideRequest(question.path, 0.5, run).name(),
        SlideRequest(question.path, 1.0, run, stride=25).name(),
    }
    os.utime(question.path, (1, 1))  # the file was replaced
    names.add(question.name())

    assert len(names) == 4


def test_damaged_predictions_count_as_missing(question):
    save_predictions(question, found_answers())
    cells = whole_slides_dir() / question.name() / "cells.npz"
    cells.write_bytes(cells.read_bytes()[:50])

    assert saved_predictions(question) is None


def test_only_the_newest_predictions_are_kept(question, monkeypatch):
    monkeypatch.setattr(slide_predictions, "MAX_SAVED_PREDICTIONS", 2)
    names = []
    for mpp_um in (1.0, 2.0, 3.0):
        request = SlideRequest(question.path, mpp_um, question.run)
        save_predictions(request, found_answers())
        names.append(request.name())
        os.utime(whole_slides_dir() / request.name(), (mpp_um, mpp_um))

    assert sorted(path.name for path in whole_slides_dir().iterdir()) == sorted(names[1:])


def test_job_saves_its_predictions(question, answering):
    job = finished(start_slide_job(question))

    assert (job.state, job.done, job.total) == ("done", 2, 2)
    assert slide_job(question) is job
    assert saved_predictions(question).answers.layout.tissue.sum() == 2


def test_second_visitor_shares_the_job_and_can_stop_it(question, answering):
    answering.clear()
    job = start_slide_job(question)
    assert start_slide_job(question) is job
    assert job.live
    job.stop()
    answering.set()

    assert finished(job).state == "stopped"
    assert saved_predictions(question) is None
    assert start_slide_job(question) is not job  # and may be started again


def test_waiting_job_can_be_stopped(question, answering):
    answering.clear()
    first = start_slide_job(question)
    second = start_slide_job(SlideRequest(question.path, 2.0, question.run))
    second.stop()
    deadline = time.monotonic() + 60
    while second.live and time.monotonic() < deadline:
        time.sleep(0.01)
    answering.set()

    assert second.state == "stopped"
    assert finished(first).state == "done"


def test_failed_job_states_its_problem(question, monkeypatch):
    def refuse(run, patches):
        raise PredictionError("The model is on holiday.")

    monkeypatch.setattr(whole_slide, "predict_patches", refuse)
    job = finished(start_slide_job(question))

    assert (job.state, job.problem) == ("failed", "The model is on holiday.")


def test_time_left_is_known_only_while_predicting(question, answering):
    job = finished(start_slide_job(question))

    assert job.left_s() is None
    job.state, job.done, job.total, job.began = "predicting", 50, 100, job.began - 10
    assert job.left_s() >= 10
