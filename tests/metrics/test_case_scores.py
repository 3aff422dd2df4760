"""idc.metrics.case_scores: weighting a case is the same as having its patches so many times."""

import math

import numpy as np
import pytest
from sklearn import metrics

from idc.metrics.calibration import calibration_error
from idc.metrics.case_scores import CaseScores
from idc.metrics.scores import evaluate

# Case 7: two negative, one positive. Case 9: one negative, two positive.
CASES = np.array([7, 7, 7, 9, 9, 9])
Y_TRUE = np.array([0, 0, 1, 0, 1, 1])
Y_PROB = np.array([0.1, 0.6, 0.8, 0.7, 0.4, 0.9])


def random_predictions(seed, *, ties):
    """200 patches of five cases; with ``ties`` among eleven different probabilities."""
    rng = np.random.default_rng(seed)
    y_prob = rng.random(200)
    if ties:
        y_prob = np.round(y_prob, 1)
    return rng.integers(0, 2, 200), y_prob.astype(np.float32), rng.integers(1, 6, 200)


def all_scores(scores, threshold, weights):
    return {**scores.at_threshold(threshold, weights), **scores.threshold_free(weights)}


def by_scikit_learn(y_true, y_prob, threshold):
    report = evaluate(y_true, y_prob, threshold)
    y_prob = y_prob.astype(np.float64)
    y_pred = y_prob >= threshold
    return {
        "balanced_accuracy": metrics.balanced_accuracy_score(y_true, y_pred),
        "sensitivity": metrics.recall_score(y_true, y_pred),
        "specificity": metrics.recall_score(y_true, y_pred, pos_label=0),
        "precision": metrics.precision_score(y_true, y_pred, zero_division=math.nan),
        "f1": metrics.f1_score(y_true, y_pred),
        "accuracy": metrics.accuracy_score(y_true, y_pred),
        "roc_auc": report.roc_auc,
        "average_precision": metrics.average_precision_score(y_true, y_prob),
        "brier": metrics.brier_score_loss(y_true, y_prob),
        "calibration_error": calibration_error(y_true, y_prob),
    }


def test_counts_of_each_case_are_tn_fp_fn_tp():
    assert CaseScores(Y_TRUE, Y_PROB, CASES).counts(0.5).tolist() == [[1, 1, 0, 1], [0, 1, 1, 1]]


def test_probability_at_the_threshold_is_called_positive():
    assert CaseScores(Y_TRUE, Y_PROB, CASES).counts(0.6).tolist() == [[1, 1, 0, 1], [0, 1, 1, 1]]


def test_each_case_alone_worked_by_hand():
    scores = all_scores(CaseScores(Y_TRUE, Y_PROB, CASES), 0.5, np.eye(2))

    assert scores["sensitivity"].tolist() == [1, 1 / 2]
    assert scores["specificity"].tolist() == [1 / 2, 0]
    assert scores["precision"].tolist() == [1 / 2, 1 / 2]
    assert scores["f1"].tolist() == [2 / 3, 1 / 2]
    assert scores["accuracy"].tolist() == [2 / 3, 1 / 3]
    assert scores["roc_auc"].tolist() == [1, 1 / 2]
    assert scores["average_precision"].tolist() == [1, pytest.approx(1 / 2 + 1 / 2 * 2 / 3)]
    assert scores["brier"] == pytest.approx([(0.01 + 0.36 + 0.04) / 3, (0.49 + 0.36 + 0.01) / 3])


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_all_cases_once_agree_with_scikit_learn(seed, ties):
    y_true, y_prob, cases = random_predictions(seed, ties=ties)

    scores = all_scores(CaseScores(y_true, y_prob, cases), 0.7, np.ones((1, 5)))

    theirs = by_scikit_learn(y_true, y_prob, 0.7)
    assert {name: value[0] for name, value in scores.items()} == {
        name: pytest.approx(value, abs=1e-12) for name, value in theirs.items()
    }


@pytest.mark.parametrize("weights", [[2, 0, 1, 3, 1], [0, 5, 0, 0, 0], [1, 1, 0, 2, 1]])
@pytest.mark.parametrize("ties", [False, True])
def test_weighted_cases_score_as_if_their_patches_came_so_many_times(weights, ties):
    y_true, y_prob, cases = random_predictions(1, ties=ties)
    repeated = np.repeat(np.arange(200), np.array(weights)[cases - 1])

    scores = all_scores(CaseScores(y_true, y_prob, cases), 0.3, np.array([weights]))

    theirs = by_scikit_learn(y_true[repeated], y_prob[repeated], 0.3)
    assert {name: value[0] for name, value in scores.items()} == {
        name: pytest.approx(value, abs=1e-12) for name, value in theirs.items()
    }


def test_ranking_in_several_steps_agrees_with_scikit_learn(monkeypatch):
    monkeypatch.setattr("idc.metrics.case_scores._STEPS_PER_CHUNK", 7)
    y_true, y_prob, cases = random_predictions(2, ties=False)

    scores = CaseScores(y_true, y_prob, cases).threshold_free(np.ones((1, 5)))

    assert scores["average_precision"][0] == pytest.approx(
        metrics.average_precision_score(y_true, y_prob), abs=1e-12
    )


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_alone_leaves_undefined_what_the_report_leaves_undefined(label):
    y_true, y_prob = np.full(3, label), np.array([0.1, 0.2, 0.6])
    report = evaluate(y_true, y_prob)

    scores = all_scores(CaseScores(y_true, y_prob, np.ones(3)), 0.5, np.ones((1, 1)))

    for name in scores.keys() - {"brier", "calibration_error"}:
        assert scores[name][0] == pytest.approx(getattr(report, name), nan_ok=True), name
    assert math.isnan(scores["roc_auc"][0]) and math.isnan(scores["average_precision"][0])
    assert math.isfinite(scores["brier"][0])


def test_draw_without_any_patch_of_a_class_is_undefined_there_alone():
    scores = CaseScores(np.array([0, 1]), np.array([0.2, 0.7]), np.array([1, 2]))

    found = scores.at_threshold(0.5, np.array([[2, 0], [1, 1]]))

    assert found["sensitivity"].tolist() == pytest.approx([math.nan, 1], nan_ok=True)
    assert found["precision"].tolist() == pytest.approx([math.nan, 1], nan_ok=True)
    assert found["accuracy"].tolist() == [1, 1]


def test_case_table_starts_with_worst_and_ends_with_single_class_cases():
    y_true = np.array([0, 1, 0, 1, 0, 0, 0, 0])
    y_prob = np.array([0.1, 0.9, 0.9, 0.9, 0.1, 0.2, 0.9, 0.1])
    cases = np.array([1, 1, 2, 2, 3, 3, 4, 4])

    table = CaseScores(y_true, y_prob, cases).table(0.5)

    assert table["case"].tolist() == [2, 1, 4, 3]
    assert table["balanced_accuracy"].tolist() == pytest.approx(
        [0.5, 1, math.nan, math.nan], nan_ok=True
    )
    assert table["true_share"].tolist() == [0.5, 0.5, 0, 0]
    assert table["predicted_share"].tolist() == [1, 0.5, 0.5, 0]
    assert table["wrong"].tolist() == [1, 0, 1, 0]
