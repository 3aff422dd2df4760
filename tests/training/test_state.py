import pytest

from tests.training.observers.states import entry, state_at


def test_all_epochs_are_complete():
    assert state_at(epoch=4).is_complete
    assert not state_at(epoch=3, step=10).is_complete


@pytest.mark.parametrize(("patience_from", "complete"), [(0, True), (2, False)])
def test_early_stopping_counts_from_the_lowest_loss_or_the_resumed_epoch(patience_from, complete):
    state = state_at(epoch=3, epochs=9, patience=2, patience_from=patience_from)
    state.history.lowest = {"epoch": 1, "val_loss": 0.4, "val_roc_auc": 0.8}

    assert state.is_complete is complete


def test_step_records_the_running_means_and_the_speed():
    state = state_at()
    state.begin_epoch()
    logs = {"cross_entropy": 0.5, "accuracy": 0.75}

    state.record_step(1, logs)
    assert state.patches_per_s is None  # the first step compiles
    state.stopwatch.now = 2.0
    state.record_step(3, {**logs, "cross_entropy": 0.25})

    current = state.history.under_way
    assert (current.step, current.loss, current.accuracy) == (3, 0.25, 0.75)
    assert state.patches_per_s == 10.0  # 2 steps of 10 patches in 2 s


def test_continued_epoch_keeps_its_step_and_seconds():
    state = state_at(epoch=1, step=4)
    state.history.under_way.seconds = 30.0
    state.stopwatch.now = 100.0

    assert state.begin_epoch().step == 4
    state.stopwatch.now = 105.0
    state.record_times()

    assert state.history.under_way.seconds == 35.0
    assert state.history.elapsed_s == 105.0


def test_finished_epoch_moves_the_position():
    state = state_at(epoch=1, step=10)
    assert state.position == (1, 10)

    state.history.finish_epoch(entry(2))

    assert state.position == (2, 0)
