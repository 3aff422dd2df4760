"""Train: the watched slide and the replay of a run."""

import base64

import pytest

from idc.datasets.place import place_of
from idc.datasets.splits import make_split
from idc.datasets.store_trash import delete_store
from idc.runs.log import LogWriter
from idc.runs.run import RunStatus, list_runs
from idc.runs.watched_slide import Frame, held_out_cases, request_case, requested_case, write_frame
from idc.ui.train import replay
from tests.support.app_pages import component_data, open_page, text
from tests.support.made_patches import tiny_store
from tests.support.page_runs import finished_run, training_run


def timeline_data(at):
    [data] = [data for data in component_data(at) if "timeline_id" in data and "frames" in data]
    return data


def paint(run, case, epoch, step, levels, elapsed_s=1.0):
    write_frame(run.folder, Frame(case, epoch, step, elapsed_s, bytes(levels)))


def test_slide_to_watch_is_chosen_before_the_start(home, started):
    store = tiny_store("tiny", cases=4, per_case=10)
    held_out = held_out_cases(store, make_split(store.index, "case-disjoint")).tolist()
    at = open_page("train")
    picker = at.selectbox(key=f"watch_first_tiny_{held_out[0]}")
    assert picker.options == [f"{case} · 10 patches, 50% IDC" for case in held_out]

    picker.set_value(held_out[1]).run()
    at.button(key="start").click().run()
    [run] = list_runs()
    assert requested_case(run) == held_out[1]


def test_split_without_a_held_out_case_has_no_slide_to_watch(home):
    tiny_store("tiny", cases=3, per_case=10)
    at = open_page("train")
    at.selectbox(key="protocol").set_value("random").run()

    assert "No slide to watch" in text(at)


def test_watched_slide_is_shown_with_ground_truth_and_frames(home):
    store = tiny_store("tiny", cases=4, per_case=4)
    run = training_run()
    case, other = held_out_cases(store, make_split(store.index, "case-disjoint")).tolist()
    paint(run, case, 0, 0, [9, 9, 9, 9])
    paint(run, case, 1, 1, [0, 253, 127, 255])
    paint(run, other, 1, 0, [1, 1, 1, 1])
    with run.trainer_lock():
        at = open_page("train")

    network, truth = [data for data in component_data(at) if "image" in data]
    assert (network["timeline_id"], truth["timeline_id"]) == (f"{run.id}/{case}", None)
    assert (network["truth"], truth["truth"]) == (False, True)
    assert network["image"] == truth["image"]
    timeline = timeline_data(at)
    assert timeline["timeline_id"] == network["timeline_id"]
    assert [frame["title"] for frame in timeline["frames"]] == [
        "at the start",
        "epoch 2, step 1 of 2",
    ]
    assert base64.b64decode(timeline["frames"][-1]["levels"]) == bytes([0, 253, 127, 255])


def test_visitor_can_choose_another_case_to_watch(home):
    store = tiny_store("tiny", cases=4, per_case=4)
    run = training_run()
    case, other = held_out_cases(store, make_split(store.index, "case-disjoint")).tolist()
    with run.trainer_lock():
        at = open_page("train")
        picker = at.selectbox(key=f"watched_case_{run.id}_{case}")
        assert (picker.value, picker.proto.default) == (case, 0)
        picker.set_value(other).run()
        assert requested_case(run) == other
        picker = at.selectbox(key=f"watched_case_{run.id}_{other}")
        assert (picker.value, picker.proto.default) == (
            other,
            1,
        )  # also for a browser that just opened the page

        request_case(run.folder, case)  # another visitor
        at.run()
        assert at.selectbox(key=f"watched_case_{run.id}_{case}").value == case
        assert requested_case(run) == case


def test_patches_with_the_largest_errors_are_shown(home):
    store = tiny_store("tiny", cases=4, per_case=4)
    run = training_run()
    worst = [[str(place_of(store, 3)), 0.02], ["99_1_1", 0.9], [str(place_of(store, 4)), 0.97]]
    LogWriter(run.folder).append("epoch", epoch=1, seconds=1.0, val_worst=worst)
    with run.trainer_lock():
        at = open_page("train")

    [grid] = [data for data in component_data(at) if "sprite" in data]
    assert [(tile["row"], tile["caption"]) for tile in grid["tiles"]] == [
        (3, "p 0.02"),
        (4, "p 0.97"),
    ]


def test_run_without_its_data_set_still_shows_its_curves(home):
    tiny_store("tiny", cases=4, per_case=4)
    finished_run()
    delete_store("tiny")
    at = open_page("train")

    assert len(at.get("echarts_chart")) == 4
    assert not at.exception


# The replay


def replayable_run():
    """A finished run: a frame and a step at 1 s, an epoch at 2 s, another frame at 3 s."""
    store = tiny_store("tiny", cases=4, per_case=4)
    run = training_run()
    case = int(held_out_cases(store, make_split(store.index, "case-disjoint"))[0])
    log = LogWriter(run.folder)
    log.append("step", epoch=1, step=1, loss=0.7, accuracy=0.5, elapsed_s=1.0)
    log.append("epoch", epoch=1, loss=0.7, val_loss=0.6, seconds=2.0, elapsed_s=2.0, best=True)
    paint(run, case, 0, 1, [1, 1, 1, 1], elapsed_s=1.0)
    paint(run, case, 1, 0, [2, 2, 2, 2], elapsed_s=3.0)
    run.write_status(RunStatus(state="finished", epochs=1, epoch=1, steps=2, reason="Done."))
    return run


@pytest.fixture
def clock(monkeypatch):
    """The replay's clock: seconds that a test sets."""
    now = {"s": 1_000.0}
    monkeypatch.setattr("idc.ui.train.replay.time.monotonic", lambda: now["s"])
    return now


def send_command(at, action, value=None):
    """Send a command of the replay bar."""
    at.session_state["replay_bar"] = {"command": {"action": action, "value": value}}
    at.session_state["replay"] = at.session_state["replay"].after_command(
        {"action": action, "value": value}, replay.time.monotonic()
    )
    return at.run()


def test_replay_shows_the_run_as_it_was(home, clock):
    replayable_run()
    at = open_page("train")
    at.button(key="replay_start").click().run()
    assert ":green-badge" in text(at)  # it trains
    assert at.get("progress")[0].proto.text.startswith("Loading TensorFlow and the patches")
    assert timeline_data(at)["frames"] == []
    assert not [button for button in at.button if button.key in ("stop", "continue")]

    send_command(at, "speed", 1.0)
    clock["s"] += 1.5
    at.run()
    assert [frame["title"] for frame in timeline_data(at)["frames"]] == ["epoch 1, step 1 of 2"]
    assert ":small[Loss] **–**" in text(at)

    clock["s"] += 1.0
    at.run()
    assert ":small[Loss] **0.600**" in text(at)
    assert len(timeline_data(at)["frames"]) == 1


def test_closed_replay_shows_the_final_state(home, clock):
    replayable_run()
    at = open_page("train")
    at.button(key="replay_start").click().run()
    at.session_state["replay"] = None
    at.run()

    assert ":blue-badge" in text(at)
    assert at.button(key="replay_start").label == "Replay"


def test_finished_replay_shows_the_final_state(home, clock):
    replayable_run()
    at = open_page("train")
    at.button(key="replay_start").click().run()
    clock["s"] += 31.0  # the default speed replays the run in 30 s
    at.run()

    assert ":blue-badge" in text(at)
    assert len(timeline_data(at)["frames"]) == 2
    assert at.session_state["replay"].playing is False
