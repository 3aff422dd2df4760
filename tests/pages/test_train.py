import json

import numpy as np
import pytest

from idc.files.atomic import file_sha256
from idc.runs import control
from idc.runs.device_choice import is_cpu_only
from idc.runs.device_queue import hold_device
from idc.runs.lineage import read_lineage
from idc.runs.notes import RunNotes, write_notes
from idc.runs.run import ENVIRONMENT_FILE, RunStatus, list_damaged_runs, list_runs, open_run
from idc.runs.status import STATUS_FILE
from idc.runs.trash import deleted_runs
from idc.settings.training_config import PRESETS
from tests.support.app_pages import component_data, open_page, text
from tests.support.evaluated_run import evaluated_run
from tests.support.made_patches import tiny_store
from tests.support.page_runs import finished_run


def test_summary_states_the_training_data(home):
    tiny_store("tiny", cases=10, per_case=10)
    at = open_page("train", preset="notebook")

    table = at.table[0].value
    assert table.loc["patches"].to_dict() == {"train": "70", "validation": "20", "test": "10"}
    assert table.loc["cases"].to_dict() == {"train": "7", "validation": "2", "test": "1"}
    assert table.loc["IDC share"].to_dict() == dict.fromkeys(table.columns, "50.0%")
    assert (
        "Training array (70, 50, 50, 3), held-out array (30, 50, 50, 3), uint8 RGB. "
        "4 steps per epoch, 80 in total." in text(at)
    )


def test_fast_network_is_the_default(home):
    tiny_store("tiny", cases=3, per_case=10)
    at = open_page("train")

    assert at.selectbox(key="preset").value == "fast"
    assert at.selectbox(key="balancing_fast").value == PRESETS["fast"].settings["balancing"]


def test_notebook_preset_fills_in_its_settings(home):
    tiny_store("tiny", cases=3, per_case=10)
    at = open_page("train", preset="notebook")

    assert at.number_input(key="epochs_notebook").value == 20
    assert at.number_input(key="batch_size_notebook").value == 20
    assert at.number_input(key="learning_rate_notebook").value == 1e-4
    assert at.toggle(key="early_stopping_notebook").value is False


def test_start_creates_a_run_with_the_settings_of_the_form(home, started):
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
    assert run.config.patches is None  # all patches: fewer than 40,000 exist
    assert at.session_state["setup"] is False  # makes the curves visible
    at.session_state["setup"] = True
    assert "waits in the queue" in at.run().info[0].value
    assert at.button(key="start").label == "Queue training"


def test_impossible_split_shows_a_sentence(home):
    tiny_store("tiny", cases=2, per_case=10)
    at = open_page("train")

    assert at.error[0].value.startswith("Splitting by case needs at least 3 cases")
    assert not [button for button in at.button if button.key == "start"]
    assert not at.exception


def test_random_split_shows_a_warning(home):
    tiny_store("tiny", cases=3, per_case=10)
    at = open_page("train")
    at.selectbox(key="protocol").set_value("random").run()

    assert "these scores flatter" in at.warning[0].value


def test_curves_and_scores_of_a_run_are_shown(home):
    tiny_store("tiny", cases=3, per_case=10)
    finished_run()
    at = open_page("train")

    titles = [entry.value for entry in at.markdown if entry.value.startswith(":small[")]
    assert titles == [
        ":small[Loss] **0.600**",
        ":small[Accuracy] **0.750**",
        ":small[Balanced accuracy] **0.700**",
        ":small[ROC AUC] **–**",
    ]
    assert "best epoch **1**" in text(at)
    assert len(at.get("echarts_chart")) == 4
    assert at.table[-1].value.loc["IDC-positive"].tolist() == ["0.750", "0.600", "0.667", "5"]
    [matrix] = [data for data in component_data(at) if "totals" in data]
    assert [row["total"] for row in matrix["rows"]] == ["5", "5"]


def test_shipped_run_cannot_be_continued(home):
    tiny_store("tiny", cases=3, per_case=10)
    run = finished_run()
    (run.folder / ENVIRONMENT_FILE).write_text('{"shipped": true}')
    at = open_page("train")

    assert not [button for button in at.button if button.key == "continue"]
    assert "shipped with IDC Lab" in text(at)


def test_running_run_can_be_stopped_from_the_page(home):
    tiny_store("tiny", cases=3, per_case=10)
    run = finished_run()
    run.write_status(RunStatus(state="running", phase="training", epochs=3, epoch=1, steps=2))
    with run.trainer_lock():
        at = open_page("train")
        at.button(key="stop").click().run()

        assert run.stop_requested()
        assert "Stopping at the next step" in text(at)


def test_running_run_can_be_paused_and_resumed(home):
    tiny_store("tiny", cases=3, per_case=10)
    run = finished_run()
    run.write_status(RunStatus(state="running", phase="training", epochs=3, epoch=1, steps=2))
    with run.trainer_lock():
        at = open_page("train")
        at.button(key="ask_pause").click().run()
        assert control.read_request(run.folder)[0] == control.PAUSE
        assert "Pausing at the next step." in text(at)

        run.write_status(RunStatus(state="paused", epochs=3, epoch=1, reason="Paused."))
        at.run()
        assert "can resume immediately" in text(at)
        at.button(key="ask_resume").click().run()
        assert control.read_request(run.folder)[0] == control.RESUME


def test_paused_run_without_a_trainer_gets_a_new_one(home, started):
    tiny_store("tiny", cases=3, per_case=10)
    run = finished_run()
    run.write_status(RunStatus(state="paused", epochs=3, epoch=1, reason="Paused."))
    at = open_page("train")
    assert "The device was released" in text(at)

    at.button(key="ask_epoch").click().run()

    assert started == [run.id]
    assert control.read_request(run.folder)[0] == control.ONE_EPOCH
    assert run.status().state == "starting"


def test_paused_run_can_be_stopped_again_after_its_trainer_died(home, started):
    tiny_store("tiny", cases=3, per_case=10)
    run = finished_run()
    run.write_status(RunStatus(state="paused", epochs=3, epoch=1, reason="Paused."))
    with run.trainer_lock():
        at = open_page("train")
        at.button(key="stop").click().run()
        assert "First, the best weights score" in text(at)

    at.run()
    at.button(key="stop").click().run()

    assert started == [run.id]
    assert "the best weights score" in text(at)
    assert not at.button(key="ask_withdraw").disabled


def test_queued_run_shows_its_position_and_can_be_withdrawn(home):
    tiny_store("tiny", cases=3, per_case=10)
    first, second = finished_run(), finished_run()
    first.write_status(RunStatus(state="running", phase="training", epochs=3))
    write_notes(first.folder, RunNotes("Monday"))
    second.write_status(RunStatus(state="queued", epochs=3))

    def open_queued_run():
        at = open_page("train", query={"run": second.id}, setup=True)
        assert at.info[0].value.startswith("**Monday** is training now. Runs train one at a time")
        assert at.info[-1].value == (
            "**Place 1** in the queue: one run trains at a time. Training now: **Monday**. "
            "This run starts automatically."
        )
        at.button(key="ask_withdraw").click().run()
        assert control.read_request(second.folder)[0] == control.WITHDRAW
        raise InterruptedError

    with first.trainer_lock(), hold_device(first.id, 1.0, lambda: None):
        waits = hold_device(second.id, 2.0, open_queued_run)
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


def test_undo_restores_a_deleted_run(home):
    tiny_store("tiny", cases=3, per_case=10)
    run = finished_run()
    at = open_page("train")
    at.button(key=f"delete_{run.id}").click().run()
    assert list_runs() == []

    at.button(key="undo_delete").click().run()

    assert list_runs() == [run]
    assert not at.exception


def test_live_run_cannot_be_deleted(home):
    tiny_store("tiny", cases=3, per_case=10)
    run = finished_run()
    run.write_status(RunStatus(state="running", phase="training", epochs=3, epoch=1, steps=2))
    with run.trainer_lock():
        assert open_page("train").button(key=f"delete_{run.id}").disabled
        run.write_status(RunStatus(state="paused", epochs=3, epoch=1))
        assert (
            open_page("train").button(key=f"delete_{run.id}").disabled
        )  # its trainer still holds the network
    assert not open_page("train").button(key=f"delete_{run.id}").disabled


def test_all_runs_are_listed_with_their_states(home):
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


def test_fork_keeps_the_split_and_uses_the_new_settings(home, started):
    tiny_store("tiny", cases=3, per_case=10)
    run = finished_run()
    fake_checkpoint(run)
    at = open_page("train")
    at.number_input(key=f"fork_epochs_{run.id}").set_value(5)
    next(button for button in at.button if button.label == "Start the fork").click().run()

    [child_id] = started
    child = open_run(child_id)
    assert (child.config.epochs, child.config.seed, child.config.split_seed) == (5, 1, 0)
    assert read_lineage(child).parent == run.id
    assert at.session_state["run"] == child_id


def fake_checkpoint(run):
    """A valid checkpoint file that fits no network."""
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


# The CPU beside a GPU


def toggles(at):
    return [toggle.label for toggle in at.toggle]


@pytest.fixture
def a_gpu(monkeypatch):
    for module in ("idc.ui.train.setup", "idc.ui.train.controls"):
        monkeypatch.setattr(f"{module}.gpu_description", lambda: "NVIDIA H100, 80 GiB")


def test_cpu_is_offered_while_the_gpu_is_busy(home, started, a_gpu):
    tiny_store("tiny", cases=3, per_case=10)
    other = finished_run()
    assert "Train on the CPU now" not in toggles(open_page("train", setup=True))
    other.write_status(RunStatus(state="running", phase="training", epochs=3))

    with other.trainer_lock():
        at = open_page("train", setup=True)
        assert at.button(key="start").label == "Queue training"
        at.toggle(key="start_on_cpu").set_value(True).run()
        assert at.button(key="start").label == "Start training"
        at.button(key="start").click().run()

    assert is_cpu_only(open_run(started[0]).folder)


def test_cpu_is_not_offered_without_a_gpu(home):
    tiny_store("tiny", cases=3, per_case=10)
    run = finished_run()
    run.write_status(RunStatus(state="failed", epochs=3, epoch=1, reason="Out of memory."))

    assert not {"On the CPU", "Train on the CPU now"} & set(toggles(open_page("train")))


def test_run_that_exhausted_the_gpu_can_continue_on_the_cpu(home, started, a_gpu):
    tiny_store("tiny", cases=3, per_case=10)
    run = finished_run()
    run.write_status(RunStatus(state="failed", epochs=3, epoch=1, reason="Out of memory."))

    at = open_page("train")
    at.toggle(key=f"on_cpu_{run.id}").set_value(True).run()
    at.button(key="continue").click().run()

    assert started == [run.id]
    assert is_cpu_only(run.folder)


def test_damaged_run_is_listed_with_evaluate_and_delete(home):
    run = evaluated_run()
    (run.folder / "status.json").write_text("{")

    at = open_page("train")
    assert "The status of the run" in text(at)
    links = [entry.proto.label for entry in at.get("page_link")]
    assert links.count("Evaluate") == 2  # in the menu and beside the run
    at.button(key=f"delete_{run.id}").click().run()

    assert not at.exception
    assert (deleted_runs(), list_damaged_runs()) == ([run.id], [])
    assert at.button(key="undo_delete").label == "Undo"


def test_train_page_names_damaged_lines_of_the_log(home):
    run = evaluated_run()
    (run.folder / "log.jsonl").write_text('5\n{"event": "other"}\n')

    at = open_page("train", query={"run": run.id})

    assert [warning.value for warning in at.warning] == [
        rf"{run.title}\: Line 1 of the log is damaged and left out.",
        rf"{run.title}\: The log lacks epoch 1, so the curves are incomplete.",
    ]
