import json

import numpy as np
import pytest
from app import open_page, text
from made_patches import tiny_store

from idc import control, runs
from idc.config import PRESETS, preset_config
from idc.device_queue import hold_device
from idc.durable import file_sha256
from idc.forking import lineage
from idc.run_notes import RunNotes, write_notes
from idc.run_status import STATUS_FILE
from idc.runlog import LogWriter
from idc.runs import RunStatus, list_runs, open_run
from idc.starting import create_run


@pytest.fixture
def started(monkeypatch):
    """Runs whose trainer the page has started; none really starts."""
    ids = []
    for module in ("idc.several_runs", "idc.starting", "idc.forking", "idc.ui.train_controls"):
        monkeypatch.setattr(f"{module}.start_trainer", lambda run: ids.append(run.id))
    return ids


def finished_run():
    run = create_run(preset_config("notebook", "tiny", protocol="random", epochs=3))
    log = LogWriter(run.folder)
    log.append("start", epoch=0, epochs=3, steps=2, time=0)
    for step in (1, 2):
        log.append("step", epoch=1, step=step, loss=0.7, accuracy=0.5, elapsed_s=1.0)
    log.append(
        "epoch",
        epoch=1,
        loss=0.7,
        accuracy=0.5,
        val_loss=0.6,
        val_accuracy=0.75,
        val_balanced_accuracy=0.7,
        val_roc_auc=None,
        val_confusion_matrix=[[4, 1], [2, 3]],
        seconds=1.0,
        best=True,
    )
    run.write_status(RunStatus(state="stopped", epochs=3, epoch=1, steps=2, reason="Stopped."))
    return run


def test_summary_tells_what_would_be_trained_on(home):
    tiny_store("tiny", cases=10, per_case=10)
    at = open_page("train", preset="notebook")

    table = at.table[0].value
    assert table.loc["patches"].to_dict() == {"train": "70", "validation": "20", "test": "10"}
    assert table.loc["cases"].to_dict() == {"train": "7", "validation": "2", "test": "1"}
    assert table.loc["IDC share"].to_dict() == dict.fromkeys(table.columns, "50.0%")
    assert (
        "Training array (70, 50, 50, 3), held-out array (30, 50, 50, 3), uint8 RGB. "
        "4 steps an epoch, 80 in all." in text(at)
    )


def test_fast_network_is_offered_first(home):
    tiny_store("tiny", cases=3, per_case=10)
    at = open_page("train")

    assert at.selectbox(key="preset").value == "fast"
    assert at.selectbox(key="balancing_fast").value == PRESETS["fast"].settings["balancing"]


def test_preset_fills_in_the_notebooks_settings(home):
    tiny_store("tiny", cases=3, per_case=10)
    at = open_page("train", preset="notebook")

    assert at.number_input(key="epochs_notebook").value == 20
    assert at.number_input(key="batch_size_notebook").value == 20
    assert at.number_input(key="learning_rate_notebook").value == 1e-4
    assert at.toggle(key="early_stopping_notebook").value is False


def test_start_makes_a_run_of_the_forms_settings(home, started):
    tiny_store("tiny", cases=3, per_case=10)
    at = open_page("train", preset="notebook")
    at.selectbox(key="protocol").set_value("random").run()
    at.number_input(key="epochs_notebook").set_value(7)
    at.text_input(key="run_name").set_value("for the lecture")
    at.button(key="start").click().run()

    [run] = list_runs()
    assert started == [run.id]
    assert (run.config.protocol, run.config.epochs, run.config.name) == (
        "random",
        7,
        "for the lecture",
    )
    assert run.config.patches is None  # all, for there are fewer than 40,000
    assert at.session_state["setup"] is False  # so that the curves come into view
    at.session_state["setup"] = True
    assert "waits in the queue" in at.run().info[0].value
    assert at.button(key="start").label == "Queue training"


def test_split_that_cannot_be_made_is_a_sentence(home):
    tiny_store("tiny", cases=2, per_case=10)
    at = open_page("train")

    assert at.error[0].value.startswith("Splitting by case needs at least 3 cases")
    assert not [button for button in at.button if button.key == "start"]
    assert not at.exception


def test_random_split_is_said_to_flatter(home):
    tiny_store("tiny", cases=3, per_case=10)
    at = open_page("train")
    at.selectbox(key="protocol").set_value("random").run()

    assert "these scores flatter" in at.warning[0].value


def test_curves_and_scores_of_a_run_are_shown(home):
    tiny_store("tiny", cases=3, per_case=10)
    finished_run()
    at = open_page("train")

    values = {metric.label: metric.value for metric in at.metric}
    assert values == {
        "Validation loss": "0.600",
        "Accuracy": "0.750",
        "Balanced accuracy": "0.700",
        "ROC AUC": "–",
        "Best epoch": "1",
    }
    assert len(at.get("echarts_chart")) == 2
    assert at.table[-1].value.loc["IDC-positive"].tolist() == ["0.750", "0.600", "0.667", "5"]
    matrix = json.loads(at.get("bidi_component")[0].proto.json)
    assert [row["total"] for row in matrix["rows"]] == ["5", "5"]


def test_run_that_came_with_idc_lab_is_not_offered_to_go_on(home):
    tiny_store("tiny", cases=3, per_case=10)
    run = finished_run()
    (run.folder / runs.ENVIRONMENT_FILE).write_text('{"shipped": true}')
    at = open_page("train")

    assert not [button for button in at.button if button.key == "continue"]
    assert "came with IDC Lab" in text(at)


def test_running_run_can_be_stopped_from_the_page(home):
    tiny_store("tiny", cases=3, per_case=10)
    run = finished_run()
    run.write_status(RunStatus(state="running", phase="training", epochs=3, epoch=1, steps=2))
    with run.trainer_lock():
        at = open_page("train")
        at.button(key="stop").click().run()

        assert run.stop_requested()
        assert "Stopping at the next step" in text(at)


def test_running_run_pauses_and_then_offers_to_go_on(home):
    tiny_store("tiny", cases=3, per_case=10)
    run = finished_run()
    run.write_status(RunStatus(state="running", phase="training", epochs=3, epoch=1, steps=2))
    with run.trainer_lock():
        at = open_page("train")
        at.button(key="ask_pause").click().run()
        assert control.latest(run.folder)[0] == control.PAUSE
        assert "Pausing at the next step." in text(at)

        run.write_status(RunStatus(state="paused", epochs=3, epoch=1, reason="Paused."))
        at.run()
        assert "goes on at once" in text(at)
        at.button(key="ask_resume").click().run()
        assert control.latest(run.folder)[0] == control.RESUME


def test_paused_run_whose_trainer_has_left_gets_a_new_one(home, started):
    tiny_store("tiny", cases=3, per_case=10)
    run = finished_run()
    run.write_status(RunStatus(state="paused", epochs=3, epoch=1, reason="Paused."))
    at = open_page("train")
    assert "The device was freed meanwhile" in text(at)

    at.button(key="ask_epoch").click().run()

    assert started == [run.id]
    assert control.latest(run.folder)[0] == control.ONE_EPOCH
    assert run.status().state == "starting"


def test_queued_run_shows_its_place_and_can_be_withdrawn(home):
    tiny_store("tiny", cases=3, per_case=10)
    first, second = finished_run(), finished_run()
    first.write_status(RunStatus(state="running", phase="training", epochs=3))
    write_notes(first.folder, RunNotes("Monday"))
    second.write_status(RunStatus(state="queued", epochs=3))

    def look():
        at = open_page("train", query={"run": second.id}, setup=True)
        assert at.info[0].value.startswith("**Monday** is training now. One at a time")
        assert at.info[-1].value == (
            "**Place 1** in the queue: one run trains at a time. Now: **Monday**. It starts by "
            "itself."
        )
        at.button(key="ask_withdraw").click().run()
        assert control.latest(second.folder)[0] == control.WITHDRAW
        raise InterruptedError

    with first.trainer_lock(), hold_device(first.id, 1.0, lambda: None):
        waits = hold_device(second.id, 2.0, look)
        with second.trainer_lock(), pytest.raises(InterruptedError), waits:
            pass


def test_name_and_notes_are_saved_from_the_page(home):
    tiny_store("tiny", cases=3, per_case=10)
    run = finished_run()
    at = open_page("train")
    at.text_input(key=f"name_{run.id}").set_value("Second try")
    at.text_area(key=f"text_{run.id}").set_value("rate too high")
    next(button for button in at.button if button.label == "Save").click().run()

    assert run.notes() == RunNotes("Second try", "rate too high")
    assert "rate too high" in text(at)


def test_deleted_run_is_taken_back_by_undo(home):
    tiny_store("tiny", cases=3, per_case=10)
    run = finished_run()
    at = open_page("train")
    at.button(key="delete_run").click().run()
    assert list_runs() == []

    at.button(key="undo_delete").click().run()

    assert list_runs() == [run]
    assert not at.exception


def test_live_run_cannot_be_deleted(home):
    tiny_store("tiny", cases=3, per_case=10)
    run = finished_run()
    run.write_status(RunStatus(state="running", phase="training", epochs=3, epoch=1, steps=2))
    with run.trainer_lock():
        assert open_page("train").button(key="delete_run").disabled


def test_all_runs_are_listed_with_where_they_stand(home):
    tiny_store("tiny", cases=3, per_case=10)
    run = finished_run()
    write_notes(run.folder, RunNotes("Monday", "good one"))
    at = open_page("train")

    [row] = at.dataframe[0].value.to_dict("records")
    assert {name: row[name] for name in ("Run", "State", "Epochs", "Notes")} == {
        "Run": "Monday",
        "State": "stopped",
        "Epochs": "1 of 3",
        "Notes": "good one",
    }


def test_fork_from_the_page_keeps_the_split_and_takes_the_new_settings(home, started):
    tiny_store("tiny", cases=3, per_case=10)
    run = finished_run()
    fake_checkpoint(run)
    at = open_page("train")
    at.number_input(key=f"fork_epochs_{run.id}").set_value(5)
    next(button for button in at.button if button.label == "Start the fork").click().run()

    [child_id] = started
    child = open_run(child_id)
    assert (child.config.epochs, child.config.seed, child.config.split_seed) == (5, 1, 0)
    assert lineage(child).parent == run.id
    assert at.session_state["run"] == child_id


def fake_checkpoint(run):
    """Whole, though no network would take it."""
    folder = run.folder / "checkpoints"
    folder.mkdir()
    np.savez(folder / "epoch-0001.npz", v0000=np.zeros(1))
    about = {
        "epoch": 1,
        "sha256": file_sha256(folder / "epoch-0001.npz"),
        "variables": [],
        "history": {},
    }
    (folder / "epoch-0001.json").write_text(json.dumps(about))


def test_dead_trainer_shows_as_interrupted_with_continue(home, started):
    tiny_store("tiny", cases=3, per_case=10)
    run = finished_run()
    run.write_status(RunStatus(state="running", phase="training", epochs=3, epoch=1, steps=2))
    at = open_page("train")
    assert "interrupted" in text(at)
    assert at.number_input(key=f"more_{run.id}_1").value == 2

    at.button(key="continue").click().run()
    assert started == [run.id]
    assert json.loads((run.folder / STATUS_FILE).read_text())["epochs"] == 3
