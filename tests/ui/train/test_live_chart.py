"""The learning curves of a run: the log entries that are drawn."""

import math

import pytest

from idc.runs.log import RunLog
from idc.ui.train.live_chart import CURVES, curve_options

BY_NAME = {curve.name: curve for curve in CURVES}
LOG = RunLog(
    steps=[
        {"epoch": 1, "step": 1, "loss": 0.9, "roc_auc": 0.4},
        {"epoch": 1, "step": 2, "loss": 0.7, "roc_auc": None},  # a batch of one class
        {"epoch": 2, "step": 1, "loss": math.nan},  # diverged, and an older log
    ],
    epochs=[
        {"epoch": 1, "val_loss": 0.8, "val_roc_auc": 0.6, "best": True},
        {"epoch": 2, "val_loss": 0.6, "val_roc_auc": None, "best": False},
    ],
)


def series(name, log=LOG):
    options = curve_options(log, BY_NAME[name], steps=2, epochs=2)
    return {line["name"]: line for line in options["series"]}


def test_four_scores_have_a_curve():
    assert list(BY_NAME) == ["loss", "accuracy", "balanced_accuracy", "roc_auc"]


def test_batches_are_drawn_raw_and_smoothed_over_the_epochs():
    lines = series("loss")

    assert lines["each batch"]["data"] == [[0.5, 0.9], [1.0, 0.7]]
    assert [x for x, _ in lines["training"]["data"]] == [0.5, 1.0]
    assert lines["training"]["data"][0][1] == pytest.approx(0.9)
    assert 0.7 < lines["training"]["data"][1][1] < 0.9


def test_undefined_scores_are_not_drawn():
    lines = series("roc_auc")

    assert lines["each batch"]["data"] == [[0.5, 0.4]]
    assert lines["validation"]["data"] == [[1.0, 0.6]]


def test_best_epoch_is_marked_in_every_chart():
    for name in BY_NAME:
        assert series(name)["validation"]["markLine"]["data"] == [{"xAxis": 1}]


def test_empty_log_gives_an_empty_chart():
    assert [line["data"] for line in series("loss", RunLog()).values()] == [[], [], []]
