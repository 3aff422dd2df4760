"""Pause, one epoch, resume, stop, damage, fork: in this process, on the tiny network."""

import dataclasses
import functools

import numpy as np
import pytest

from idc.datasets.store import open_store
from idc.launch.fork import fork_run
from idc.launch.start import create_run, prepare_to_resume
from idc.runs.checkpoint_files import arrays_with_prefix, list_checkpoints, read_checkpoint
from idc.runs.control import ONE_EPOCH, PAUSE, RESUME, STOP
from idc.runs.lineage import read_lineage
from idc.runs.run import open_run
from idc.runs.status import read_status
from idc.settings.training_config import split_for_config
from tests.support.made_patches import tiny_store

pytestmark = pytest.mark.slow  # imports TensorFlow


class ScriptedRequests:
    """A visitor's requests, one at each poll: at the start, after each step, after each batch of
    the validation part, and repeatedly while paused."""

    def __init__(self, *requests):
        self._requests = list(requests)

    def poll(self):
        return self._requests.pop(0) if self._requests else ""


@pytest.fixture
def tiny(home, monkeypatch):
    from tests.support.tiny_training import be_tiny

    tiny_store("tiny", cases=3, per_case=12)
    be_tiny(monkeypatch.setattr)


@pytest.fixture
def leaves_at_once(monkeypatch):
    """A paused trainer does not keep the network ready."""
    monkeypatch.setattr("idc.training.observers.requests._MAX_PAUSE_S", -1.0)


def new_run(**settings):
    from tests.support.tiny_training import tiny_config

    return create_run(tiny_config(**settings))


def trained(run, *requests):
    """Train it; returns the states and reasons that it went through."""
    from idc.training.loop import train

    states = []
    train(
        run,
        on_status=lambda status: states.append((status.state, status.reason)),
        requests=ScriptedRequests(*requests),
    )
    return list(dict.fromkeys(states))


@functools.cache  # the same in each home: settings and patches are
def undisturbed():
    from tests.support.tiny_training import digest

    run = new_run()
    trained(run)
    return digest(run)


def end(run):
    from tests.support.tiny_training import digest

    return digest(run)


PAUSED_WITHIN = ("paused", "Paused after 0 of 2 epochs and 1 of 2 steps.")
DONE = ("finished", "All 2 epochs are done.")


def test_pause_within_an_epoch_resumes_at_the_exact_step(tiny):
    run = new_run()

    states = trained(run, "", PAUSE, "", RESUME)

    assert states == [("running", ""), PAUSED_WITHIN, DONE]
    assert [(step["epoch"], step["step"]) for step in run.log().steps] == [
        (1, 1),
        (1, 2),
        (2, 1),
        (2, 2),
    ]
    assert end(run) == undisturbed()


def test_new_trainer_resumes_at_the_step_of_the_pause(tiny, leaves_at_once):
    run = new_run()
    assert trained(run, "", PAUSE) == [("running", ""), PAUSED_WITHIN]
    paused = run.status()
    assert (paused.state, paused.live, paused.phase, paused.step) == ("paused", False, "", 1)

    prepare_to_resume(run)
    trained(run)

    assert (run.log().starts[-1]["epoch"], run.log().starts[-1]["step"]) == (0, 1)
    assert end(run) == undisturbed()


def test_pause_during_validation_does_not_repeat_the_epoch(tiny, leaves_at_once):
    run = new_run()
    trained(run, "", "", "", PAUSE)
    assert run.status().reason == "Paused after 0 of 2 epochs and 2 of 2 steps."

    prepare_to_resume(run)
    trained(run)

    assert end(run) == undisturbed()


def test_one_epoch_requests_pause_after_each_epoch(tiny):
    run = new_run(epochs=3)

    states = trained(run, ONE_EPOCH, "", "", "", ONE_EPOCH, "", "", "", RESUME)

    assert states == [
        ("running", ""),
        ("paused", "Paused after 1 of 3 epochs."),
        ("paused", "Paused after 2 of 3 epochs."),
        ("finished", "All 3 epochs are done."),
    ]


def test_stop_within_an_epoch_scores_the_best_weights_and_keeps_the_step(tiny):
    run = new_run()

    states = trained(run, "", "", "", "", STOP)

    assert states[-1] == ("stopped", "Stopped on request after 1 of 2 epochs and 1 of 2 steps.")
    assert set(run.predictions()["part"]) == {"validation", "test"}
    prepare_to_resume(run)
    trained(run)
    assert end(run) == undisturbed()


def test_stop_of_a_paused_run_scores_the_best_weights(tiny, monkeypatch):
    from idc.training.observers.outputs import predict_held_out

    run, while_scoring = new_run(), []

    def looked_at(*args):
        while_scoring.append(read_status(run.folder).state)
        predict_held_out(*args)

    monkeypatch.setattr("idc.training.loop.predict_held_out", looked_at)

    states = trained(run, ONE_EPOCH, "", "", "", STOP)

    assert states[-1] == ("stopped", "Stopped on request after 1 of 2 epochs.")
    assert while_scoring == ["running"]  # so that, killed then, it shows as interrupted
    assert set(run.predictions()["part"]) == {"validation", "test"}


@pytest.mark.parametrize("damage", ["cut", "zeroed", "flipped"])
def test_damaged_newest_checkpoint_is_reported_and_the_previous_one_used(tiny, damage):
    run = new_run()
    trained(run, "", "", "", "", STOP)  # checkpoints: after epoch 1, and one step later
    newest = list_checkpoints(run.folder)[0].with_suffix(".npz")
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(
        {"cut": content[:-9], "zeroed": bytes(len(content)), "flipped": content}[damage]
    )

    prepare_to_resume(run)
    trained(run)

    assert run.status().note == (
        "The newest checkpoint (epoch-0001-step-000001) is damaged on disk; the run went on from "
        "epoch 1."
    )
    assert run.log().starts[-1]["damaged"] == ["epoch-0001-step-000001"]
    assert end(run) == undisturbed()


def test_fork_keeps_the_parents_state_and_held_out_patches(tiny, monkeypatch):
    started = []
    monkeypatch.setattr("idc.launch.fork.start_trainer", started.append)
    constant = {"schedule": "constant", "patches": 24, "protocol": "case-disjoint"}
    parent = new_run(**constant, name="parent")
    trained(parent)
    other = dataclasses.replace(
        parent.config, seed=7, learning_rate=1e-8, weight_decay=0.0, epochs=1, protocol="random"
    )
    child = fork_run(parent, other)
    trained(child)

    assert [run.id for run in started] == [child.id]
    assert read_lineage(open_run(child.id)).sentence() == (
        "Forked from parent after epoch 2; other settings: seed 0 → 7, epochs 2 → 1, "
        "learning_rate 0.004 → 1e-08, weight_decay 0.05 → 0.0."
    )
    store = open_store("tiny")
    index = store.index
    before, now = (split_for_config(run.config, store) for run in (parent, child))
    assert np.array_equal(before.validation, now.validation)
    assert np.array_equal(before.test, now.test)
    assert not np.array_equal(before.train, now.train)
    assert set(index["case"].iloc[before.train]) == set(index["case"].iloc[now.train])
    # At such a rate nothing moves: its weights are the parent's, its optimizer counted on.
    (kernel, steps), (childs_kernel, childs_steps) = map(kernel_and_steps, (parent, child))
    assert np.allclose(kernel, childs_kernel, atol=1e-6)
    assert childs_steps == steps + len(log_steps(child))


def kernel_and_steps(run):
    """The dense layer's kernel in the newest checkpoint, and the optimizer's count of steps."""
    values = arrays_with_prefix(read_checkpoint(list_checkpoints(run.folder)[0])[1], "v")
    kernel = next(value for value in values if value.shape == (3, 2))
    return kernel, max(int(v) for v in values if v.dtype.kind == "i" and v.shape == ())


def log_steps(run):
    return run.log().steps


def test_fork_of_a_damaged_origin_is_refused(tiny, monkeypatch):
    from idc.errors import RunError

    monkeypatch.setattr("idc.launch.fork.start_trainer", lambda run: None)
    parent = new_run()
    trained(parent)
    child = fork_run(parent, parent.config)
    (child.folder / "origin.npz").write_bytes(b"")

    with pytest.raises(RunError, match="forked from is damaged on disk; fork it again"):
        trained(child)


def test_run_without_a_checkpoint_cannot_be_forked(tiny):
    from idc.errors import RunError

    with pytest.raises(RunError, match="has no checkpoint to start from; train it first"):
        fork_run(new_run(), new_run().config)


def test_tensorboard_reads_the_curves_of_a_run_that_paused(tiny, leaves_at_once):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = new_run()
    trained(run, "", PAUSE)
    prepare_to_resume(run)
    trained(run)

    events = EventAccumulator(str(run.folder / "tensorboard")).Reload()
    tensors = {tag: events.Tensors(tag) for tag in events.Tags()["tensors"]}
    losses = [float(event.tensor_proto.float_val[0]) for event in tensors["epoch/val_loss"]]
    assert np.allclose(losses, [entry["val_loss"] for entry in run.log().epochs], atol=1e-6)
    assert [event.step for event in tensors["step/loss"]] == [1, 2, 3, 4]


def test_run_without_tensorboard_finishes_and_writes_no_events(tiny, monkeypatch):
    monkeypatch.setattr(
        "idc.training.observers.tensorboard.importlib.util.find_spec", lambda name: None
    )
    run = new_run()

    trained(run)

    assert run.status().state == "finished"
    assert not (run.folder / "tensorboard").exists()
