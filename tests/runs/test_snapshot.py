"""idc.runs.snapshot: the state of a run at an earlier time."""

from idc.runs.log import RunLog
from idc.runs.run import RunStatus
from idc.runs.snapshot import RunSnapshot, epochs_with_elapsed, logged_duration_s, snapshot_at
from idc.runs.watched_slide import Frame


def step(epoch, number, at_s):
    return {"epoch": epoch, "step": number, "loss": 0.7, "accuracy": 0.5, "elapsed_s": at_s}


def epoch(number, at_s=None, **more):
    entry = {"epoch": number, "seconds": 5.0, "best": True, **more}
    return entry if at_s is None else entry | {"elapsed_s": at_s}


# Two epochs of two steps: steps at 1, 3 and 6, 8 s; validated at 5 and 10 s.
WHOLE = RunSnapshot(
    RunStatus("finished", epochs=2, epoch=2, steps=2, reason="All 2 epochs are done."),
    RunLog(
        steps=[step(1, 1, 1.0), step(1, 2, 3.0), step(2, 1, 6.0), step(2, 2, 8.0)],
        epochs=[epoch(1, 5.0), epoch(2, 10.0)],
        starts=[{"epoch": 0, "steps": 2}],
    ),
    [Frame(7, place[0], place[1], at, b"") for place, at in (((0, 0), 0.0), ((1, 0), 5.1))],
)


def test_snapshot_contains_only_what_was_logged_before():
    snapshot = snapshot_at(WHOLE, 6.0, batch_size=64)

    assert [entry["elapsed_s"] for entry in snapshot.log.steps] == [1.0, 3.0, 6.0]
    assert [entry["epoch"] for entry in snapshot.log.epochs] == [1]
    assert [frame.epoch for frame in snapshot.frames] == [0, 1]
    status = snapshot.status
    assert (status.state, status.phase, status.epoch, status.step) == ("running", "training", 1, 1)
    assert (status.epochs, status.steps, status.left_s) == (2, 2, 4.0)


def test_phases_are_in_order():
    phases = [snapshot_at(WHOLE, at_s, 64).status.phase for at_s in (0.5, 1.0, 3.5, 5.0, 9.0)]

    assert phases == ["loading", "training", "validating", "training", "validating"]


def test_speed_is_computed_from_the_last_steps():
    assert snapshot_at(WHOLE, 3.0, batch_size=64).status.patches_per_s == 32.0
    assert (
        snapshot_at(WHOLE, 6.0, batch_size=64).status.patches_per_s is None
    )  # one step of epoch 2


def test_snapshot_at_the_end_is_the_final_state():
    assert logged_duration_s(WHOLE) == 10.0
    assert snapshot_at(WHOLE, 10.0, 64) is WHOLE


def test_missing_epoch_times_are_derived_from_seconds():
    log = RunLog(epochs=[epoch(1), epoch(2)], steps=[step(1, 1, 1.0), step(2, 1, 12.0)])
    assert [entry["elapsed_s"] for entry in epochs_with_elapsed(log)] == [5.0, 12.0]

    without_steps = RunLog(epochs=[epoch(1), epoch(2)])
    assert [entry["elapsed_s"] for entry in epochs_with_elapsed(without_steps)] == [5.0, 10.0]


def test_empty_log_has_zero_duration():
    nothing = RunSnapshot(RunStatus("failed", epochs=2), RunLog(), [])

    assert logged_duration_s(nothing) == 0.0
    assert nothing.steps == 1
