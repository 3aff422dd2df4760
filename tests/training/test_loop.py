"""The trainer: in this process for what it writes, as a real process for how it ends."""

import dataclasses
import json
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from idc.datasets.store import open_store
from idc.datasets.store_trash import delete_store
from idc.files.home import runs_dir
from idc.launch.start import create_run, prepare_to_resume
from idc.runs.run import open_run
from idc.settings.training_config import split_for_config
from tests.support.made_patches import small_config, tiny_store

pytestmark = pytest.mark.slow


def wait_until(condition, what, most_s=180):
    """Poll a condition; the limit only keeps a broken test from hanging."""
    deadline = time.monotonic() + most_s
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.02)


@pytest.fixture
def spawn(forker):
    """Starts a run's trainer as the shell does, in a process that has imported Keras."""

    def spawn(run):
        return forker.start("idc.training.trainer", run.id, "--follow", output=output_file(run))

    return spawn


def output_file(run):
    """What the trainer prints."""
    return run.folder.with_suffix(".txt")


def checkpoint_digest(run, epoch):
    path = run.folder / "checkpoints" / f"epoch-{epoch:04d}.json"
    return json.loads(path.read_text())["sha256"]


def scores(run):
    names = ("epoch", "loss", "val_loss", "val_roc_auc", "best")
    return [{name: entry[name] for name in names} for entry in run.log().epochs]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of two epochs, trained in this process, and its reported phases."""
    from idc.training.loop import train

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IDC_HOME", str(tmp_path_factory.mktemp("finished")))
        tiny_store("tiny", cases=3, per_case=12)
        run = create_run(small_config())
        phases = []
        train(run, on_status=lambda status: phases.append(status.phase))
        yield run, list(dict.fromkeys(phases))


def test_finished_run_contains_everything_the_pages_read(finished):
    run, phases = finished

    status = run.status()
    assert (status.state, status.epoch, status.reason) == ("finished", 2, "All 2 epochs are done.")
    assert phases == ["loading", "training", "validating", "scoring", ""]
    log = run.log()
    assert [entry["epoch"] for entry in log.epochs] == [1, 2]
    assert [(step["epoch"], step["step"]) for step in log.steps] == [
        (epoch, step) for epoch in (1, 2) for step in (1, 2, 3, 4)
    ]
    assert run.best()["epoch"] == log.best_epoch()["epoch"]
    assert run.environment()["device"].endswith(("cores", "GiB"))
    parts = run.predictions().groupby("part").size().to_dict()
    assert parts == {"validation": 6, "test": 5}
    assert run.predictions()["probability"].between(0, 1).all()


def test_saved_predictions_come_from_the_best_weights(finished):
    from idc.networks.inference import predict_probabilities
    from idc.networks.weights import load_model

    run, _ = finished
    model = load_model(run.folder / "best.weights.h5", run.config.network, run.best()["sha256"])
    saved = run.predictions()

    answers = predict_probabilities(model, open_store("tiny").patches, saved["row"].to_numpy())
    assert np.allclose(answers, saved["probability"], atol=1e-6)


def test_exported_model_file_predicts_the_same(finished):
    import keras

    run, _ = finished
    saved = run.predictions()
    model = keras.models.load_model(run.folder / "model.keras")

    patches = open_store("tiny").patches[saved["row"].to_numpy()]
    assert np.allclose(np.asarray(model(patches))[:, 1], saved["probability"], atol=1e-5)


def test_damaged_weights_are_refused(finished, tmp_path):
    from idc.errors import PredictionError
    from idc.networks.weights import load_model

    run, _ = finished
    content = bytearray((run.folder / "best.weights.h5").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "best.weights.h5").write_bytes(content)

    with pytest.raises(PredictionError, match="checksum differs"):
        load_model(tmp_path / "best.weights.h5", run.config.network, run.best()["sha256"])


def test_repacked_data_set_is_refused(finished, home):
    from idc.errors import RunError
    from idc.training.loop import train

    run, _ = finished
    shutil.copytree(run.folder, home / "runs" / run.id)
    tiny_store("tiny", cases=3, per_case=10)
    copy = open_run(run.id)
    prepare_to_resume(copy, more_epochs=1)

    with pytest.raises(RunError, match="was packed again"):
        train(copy)


@pytest.fixture
def tiny_network(monkeypatch):
    """A network of 30 parameters in place of the notebook's, where a test is about the loop."""
    from tests.support.tiny_training import be_tiny

    be_tiny(monkeypatch.setattr)


def test_early_stopping_uses_the_loss_and_best_weights_the_roc_auc(home, tiny_network, monkeypatch):
    from idc.training import loop

    tiny_store("tiny", cases=3, per_case=12)
    scores = iter([(0.9, 0.5), (0.5, 0.7), (0.6, 0.9), (0.7, 0.8), (0.1, 1.0)])

    def literal_scores(setup, on_progress):
        loss, roc_auc = next(scores)
        entry = {"val_loss": loss, "val_roc_auc": roc_auc}
        return entry, np.full(len(setup.split.validation), 0.5, np.float32)

    monkeypatch.setattr(loop, "score_validation", literal_scores)
    run = create_run(small_config(epochs=5, early_stopping=True, patience=2))
    status = loop.train(run)

    # The loss was lowest after epoch 2, the ROC AUC highest after epoch 3.
    assert (status.state, status.epoch, run.best()["epoch"]) == ("finished", 4, 3)
    assert status.reason == (
        "Stopped early after epoch 4: the validation loss has not improved since epoch 2."
    )


def test_killed_trainer_is_interrupted_and_resumes_to_the_same_weights(home, spawn):
    tiny_store("tiny", cases=3, per_case=40)
    undisturbed = create_run(small_config(epochs=2, augmentation="flips"))
    killed = create_run(small_config(epochs=2, augmentation="flips"))

    first = spawn(killed)
    wait_until(lambda: any(s["epoch"] == 2 for s in killed.log().steps), "epoch 2 has begun")
    assert killed.status().state == "running"
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert killed.status().state == "interrupted"
    assert killed.status().epoch == 1

    prepare_to_resume(killed)
    for run in (killed, undisturbed):
        assert spawn(run).wait() == 0
        assert output_file(run).read_text().splitlines()[-1] == run.id
        assert run.status().state == "finished"
    assert scores(killed) == scores(undisturbed)
    assert checkpoint_digest(killed, 2) == checkpoint_digest(undisturbed, 2)


def test_stopped_run_keeps_finished_epochs_and_can_be_resumed(home, spawn):
    tiny_store("tiny", cases=3, per_case=40)
    run = create_run(small_config(epochs=50))
    process = spawn(run)
    wait_until(lambda: run.log().epochs, "an epoch is finished")
    run.request_stop()
    assert process.wait() == 0

    status = run.status()
    assert status.state == "stopped"
    assert status.reason.startswith(f"Stopped on request after {status.epoch} of 50 epochs")
    assert set(run.predictions()["part"]) == {"validation", "test"}

    prepare_to_resume(run, more_epochs=1)
    assert spawn(run).wait() == 0
    assert run.status().epoch == status.epoch + 1
    assert [e["epoch"] for e in run.log().epochs] == list(range(1, status.epoch + 2))


def test_finished_run_trains_more_epochs_on_request(home, tiny_network):
    from idc.training.loop import train

    tiny_store("tiny", cases=3, per_case=12)
    run = create_run(small_config(epochs=1))
    train(run)
    prepare_to_resume(run, more_epochs=2)
    status = train(run)

    assert (status.state, status.epoch) == ("finished", 3)
    assert [entry["epoch"] for entry in run.log().epochs] == [1, 2, 3]


def test_sigterm_stops_the_run(home, spawn):
    tiny_store("tiny", cases=3, per_case=40)
    run = create_run(small_config(epochs=50))
    process = spawn(run)
    wait_until(lambda: run.log().steps, "training has begun")
    process.send_signal(signal.SIGTERM)

    assert process.wait() == 0
    assert run.status().state == "stopped"


def test_failed_run_states_its_reason(home, spawn):
    tiny_store("tiny", cases=3, per_case=12)
    run = create_run(small_config())
    delete_store("tiny")
    process = spawn(run)

    assert process.wait() == 2
    assert run.status().state == "failed"
    assert run.status().reason.startswith("There is no data set named 'tiny'")


def test_trainer_outlives_its_parent_process(home):
    tiny_store("tiny", cases=3, per_case=40)
    run = create_run(small_config(epochs=50))
    code = (
        "import os; from idc.runs.run import open_run; from idc.launch.start import start_trainer; "
        f"start_trainer(open_run({run.id!r})); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    wait_until(lambda: run.log().steps, "training has begun without its parent")

    assert open_run(run.id).status().state == "running"
    assert [path.name for path in runs_dir().iterdir()] == [run.id]
    run.request_stop()
    wait_until(lambda: not run.status().live, "the trainer has stopped")


def test_run_killed_while_scoring_only_scores_when_continued(home, tiny_network):
    from idc.training.loop import train

    tiny_store("tiny", cases=3, per_case=12)
    run = create_run(small_config(epochs=1))
    done = train(run)
    (run.folder / "predictions.parquet").unlink()
    run.write_status(dataclasses.replace(done, state="running", phase="scoring"))
    assert run.status().state == "interrupted"

    prepare_to_resume(run)
    assert train(run).epoch == 1
    assert set(run.predictions()["part"]) == {"validation", "test"}


def test_interrupted_early_stopping_does_not_train_further(home, tiny_network):
    from idc.training.loop import train

    tiny_store("tiny", cases=3, per_case=12)
    run = create_run(small_config(epochs=9, early_stopping=True, patience=1, learning_rate=1.0))
    done = train(run)
    assert done.reason.startswith("Stopped early after epoch")
    run.write_status(dataclasses.replace(done, state="running", phase="scoring"))

    prepare_to_resume(run)
    assert train(run).epoch == done.epoch


def test_watched_slide_is_recorded_and_changes_no_weights(home, tiny_network, monkeypatch):
    from idc.runs.watched_slide import held_out_cases, read_frames, request_case
    from idc.training import loop
    from idc.training.observers.slide_recorder import SlideRecorder

    store = tiny_store("tiny", cases=4, per_case=12)
    watched, unseen = (create_run(small_config(protocol="case-disjoint")) for _ in range(2))
    case = int(held_out_cases(store, split_for_config(watched.config, store))[-1])
    request_case(watched.folder, case)
    loop.train(watched)

    frames = read_frames(watched)
    assert [(frame.case, frame.position) for frame in frames] == [
        (case, (0, 0)),
        (case, (1, 0)),
        (case, (2, 0)),
    ]
    epochs = watched.log().epochs
    assert frames[0].elapsed_s <= epochs[0]["elapsed_s"] <= frames[1].elapsed_s
    steps = watched.log().steps
    assert {"loss", "accuracy", "balanced_accuracy", "roc_auc"} <= set(steps[0])

    for name in ("begin", "after_step", "after_epoch"):
        monkeypatch.setattr(SlideRecorder, name, lambda *_: None)
    loop.train(unseen)
    assert read_frames(unseen) == []
    assert checkpoint_digest(unseen, 2) == checkpoint_digest(watched, 2)
