"""idc.metrics.scores: worked by hand, and held against scikit-learn's own scores."""

import json
import math

import numpy as np
import pytest
from sklearn import metrics

from idc.errors import IdcError
from idc.metrics.scores import (
    CONFUSION_CELLS,
    classification_report,
    confusion_cell_names,
    evaluate,
    matrix,
    one_class_note,
    roc_points,
)

# Ten patches: four IDC-negative, one of them called positive; six IDC-positive, two of them missed.
Y_TRUE = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1, 1])
Y_PROB = np.array([0.1, 0.2, 0.3, 0.9, 0.4, 0.0, 0.5, 0.6, 0.8, 1.0])


def ranked_right(y_true, y_prob):
    """ROC AUC as its definition says: the share of pairs in their right order, ties half."""
    positive, negative = y_prob[y_true == 1], y_prob[y_true == 0]
    above = (positive[:, None] > negative).sum() + (positive[:, None] == negative).sum() / 2
    return above / (len(positive) * len(negative))


# By hand


def test_scores_of_a_matrix_worked_by_hand():
    report = evaluate(Y_TRUE, Y_PROB)

    assert report.confusion_matrix == ((3, 1), (2, 4))
    assert (report.n, report.threshold) == (10, 0.5)
    assert report.accuracy == 7 / 10
    assert report.sensitivity == 4 / 6
    assert report.specificity == 3 / 4
    assert report.balanced_accuracy == pytest.approx((4 / 6 + 3 / 4) / 2)
    assert report.precision == 4 / 5
    assert report.f1 == 8 / 11
    assert report.majority_accuracy == 6 / 10


def test_ranking_scores_worked_by_hand():
    report = evaluate(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8]))

    assert report.roc_auc == 0.75  # of four pairs, only (0.35, 0.4) is in the wrong order
    assert report.average_precision == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert report.log_loss == pytest.approx(-math.log(0.9 * 0.6 * 0.35 * 0.8) / 4)


def test_certain_mistake_costs_a_finite_loss():
    report = evaluate(np.array([0, 1]), np.array([1.0, 0.0]))

    assert 30 < report.log_loss < 40
    assert report.accuracy == 0


@pytest.mark.parametrize(
    ("threshold", "cells"),
    [
        (0.0, ((0, 4), (0, 6))),
        (0.1, ((0, 4), (1, 5))),
        (0.10001, ((1, 3), (1, 5))),
        (0.5, ((3, 1), (2, 4))),
        (1.0, ((4, 0), (5, 1))),
    ],
)
def test_probability_at_the_threshold_is_called_positive(threshold, cells):
    assert evaluate(Y_TRUE, Y_PROB, threshold).confusion_matrix == cells


def test_ranking_scores_do_not_depend_on_the_threshold():
    low, high = evaluate(Y_TRUE, Y_PROB, 0.1), evaluate(Y_TRUE, Y_PROB, 0.9)

    assert (low.roc_auc, low.average_precision, low.log_loss) == (
        high.roc_auc,
        high.average_precision,
        high.log_loss,
    )


# Undefined scores


def test_without_positive_patches_what_needs_them_is_undefined():
    report = evaluate(np.zeros(4, int), np.array([0.1, 0.2, 0.3, 0.9]))

    undefined = {name for name, value in report.to_json().items() if value is None}
    assert undefined == {"sensitivity", "balanced_accuracy", "roc_auc", "average_precision"}
    assert (report.specificity, report.precision, report.accuracy) == (3 / 4, 0, 3 / 4)


def test_without_negative_patches_what_needs_them_is_undefined():
    report = evaluate(np.ones(4, int), np.array([0.1, 0.2, 0.3, 0.9]))

    undefined = {name for name, value in report.to_json().items() if value is None}
    assert undefined == {"specificity", "balanced_accuracy", "roc_auc", "average_precision"}
    assert (report.sensitivity, report.precision, report.majority_accuracy) == (1 / 4, 1, 1)


def test_precision_is_undefined_when_nothing_is_called_positive():
    report = evaluate(np.array([0, 1]), np.array([0.1, 0.2]))

    assert math.isnan(report.precision)
    assert (report.f1, report.sensitivity) == (0, 0)


def test_f1_is_undefined_without_anything_positive():
    report = evaluate(np.array([0, 0]), np.array([0.1, 0.2]))

    assert math.isnan(report.f1)
    assert report.accuracy == 1


def test_json_holds_no_nan_and_only_plain_values():
    text = json.dumps(evaluate(np.array([0]), np.array([0.5])).to_json(), allow_nan=False)

    assert json.loads(text) == {
        "n": 1,
        "threshold": 0.5,
        "accuracy": 0.0,
        "balanced_accuracy": None,
        "sensitivity": None,
        "specificity": 0.0,
        "precision": 0.0,
        "f1": 0.0,
        "roc_auc": None,
        "average_precision": None,
        "log_loss": pytest.approx(math.log(2)),
        "majority_accuracy": 1.0,
        "confusion_matrix": [[0, 1], [0, 0]],
    }


# Against scikit-learn


@pytest.mark.parametrize("seed", range(30))
def test_scores_agree_with_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(4, 60))
    y_true = rng.permutation([0, 1, *rng.integers(0, 2, count)])  # both classes, at least once
    y_prob = rng.integers(0, 11, len(y_true)) / 10  # many ties, also at the threshold
    threshold = float(rng.integers(0, 11)) / 10
    y_pred = [int(p >= threshold) for p in y_prob]

    report = evaluate(y_true, y_prob, threshold)

    precision, sensitivity, f1, _ = metrics.precision_recall_fscore_support(
        y_true, y_pred, average="binary", zero_division=np.nan
    )
    assert report.accuracy == pytest.approx(metrics.accuracy_score(y_true, y_pred))
    assert report.balanced_accuracy == pytest.approx(
        metrics.balanced_accuracy_score(y_true, y_pred)
    )
    assert report.sensitivity == pytest.approx(sensitivity)
    assert report.specificity == pytest.approx(metrics.recall_score(y_true, y_pred, pos_label=0))
    assert report.precision == pytest.approx(precision, nan_ok=True)
    assert report.f1 == pytest.approx(f1)
    assert report.roc_auc == pytest.approx(ranked_right(y_true, y_prob))
    assert np.array_equal(report.confusion_matrix, metrics.confusion_matrix(y_true, y_pred))


# What is refused


@pytest.mark.parametrize("threshold", [-0.001, 1.001, math.nan, math.inf])
def test_threshold_outside_its_range_is_refused(threshold):
    with pytest.raises(IdcError, match=r"threshold must lie in \[0, 1\]\. Received: "):
        evaluate(Y_TRUE, Y_PROB, threshold)


@pytest.mark.parametrize(("labels", "probabilities"), [(0, 0), (2, 3), (3, 0)])
def test_nothing_or_a_mismatch_is_refused(labels, probabilities):
    with pytest.raises(IdcError) as refusal:
        evaluate(np.zeros(labels), np.zeros(probabilities))

    assert str(refusal.value) == (
        f"Nothing to score: {labels} labels, {probabilities} probabilities."
    )


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_answers_of_a_diverged_model_are_refused_in_a_sentence(value):
    with pytest.raises(IdcError, match=r"predictions are not numbers: .* learning rate"):
        evaluate(np.array([0, 1]), np.array([value, 0.5], np.float32))


# Behind the matrix


def test_each_patch_is_in_its_cell():
    assert confusion_cell_names(Y_TRUE, Y_PROB, 0.5).tolist() == [
        *["tn", "tn", "tn", "fp"],
        *["fn", "fn", "tp", "tp", "tp", "tp"],
    ]


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.6, 0.7, 0.9])
def test_float32_probabilities_fall_in_the_cells_that_the_matrix_counts(threshold):
    # float32(0.7) lies below 0.7, but equals it in a float32 comparison
    y_true = np.array([0, 1] * 11)
    y_prob = (np.repeat(np.arange(11), 2) / 10).astype(np.float32)

    counted = evaluate(y_true, y_prob, threshold).confusion_matrix

    cells = confusion_cell_names(y_true, y_prob, threshold).tolist()
    assert {name: cells.count(name) for name in CONFUSION_CELLS} == {
        name: counted[row][column] for name, (row, column) in CONFUSION_CELLS.items()
    }
    assert matrix(y_true, y_prob, threshold) == counted


def test_roc_curve_goes_through_every_threshold_that_matters():
    points = roc_points(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8]))

    assert points["false_positive_rate"].tolist() == [0, 0, 0.5, 0.5, 1]
    assert points["sensitivity"].tolist() == [0, 0.5, 0.5, 1, 1]
    assert points["threshold"].tolist() == [math.inf, 0.8, 0.4, 0.35, 0.1]


@pytest.mark.parametrize("label", [0, 1])
def test_roc_curve_of_one_class_is_empty(label):
    points = roc_points(np.full(3, label), np.array([0.1, 0.2, 0.3]))

    assert points.columns.tolist() == ["false_positive_rate", "sensitivity", "threshold"]
    assert len(points) == 0


def test_classification_report_worked_by_hand():
    table = classification_report(((3, 1), (2, 4)))

    assert table.index.tolist() == [
        "IDC-negative",
        "IDC-positive",
        "macro average",
        "weighted average",
    ]
    assert table["patches"].tolist() == [4, 6, 10, 10]
    f1 = 6 / 9, 8 / 11
    assert table[["precision", "recall", "f1"]].values.tolist() == [
        pytest.approx([3 / 5, 3 / 4, f1[0]]),
        pytest.approx([4 / 5, 4 / 6, f1[1]]),
        pytest.approx([7 / 10, 17 / 24, sum(f1) / 2]),
        pytest.approx([0.4 * 3 / 5 + 0.6 * 4 / 5, 7 / 10, 0.4 * f1[0] + 0.6 * f1[1]]),
    ]


def test_classification_report_agrees_with_scikit_learn():
    table = classification_report(evaluate(Y_TRUE, Y_PROB).confusion_matrix)

    theirs = metrics.classification_report(Y_TRUE, Y_PROB >= 0.5, output_dict=True)
    rows = {
        "IDC-negative": "0",
        "IDC-positive": "1",
        "macro average": "macro avg",
        "weighted average": "weighted avg",
    }
    for ours, name in rows.items():
        assert table.loc[ours].tolist() == pytest.approx(
            [theirs[name][score] for score in ("precision", "recall", "f1-score", "support")]
        )


def test_undefined_values_of_the_report_are_nan_and_so_are_their_means():
    table = classification_report([[2, 0], [1, 0]])  # nothing is called positive; as from JSON

    assert table["precision"].tolist() == pytest.approx(
        [2 / 3, math.nan, math.nan, math.nan], nan_ok=True
    )
    assert table["recall"].tolist() == pytest.approx([1, 0, 1 / 2, 2 / 3])


def test_note_on_one_class_names_it_and_the_undefined_scores():
    assert one_class_note(np.array([0, 0])) == (
        "All 2 patches are labelled negative, so sensitivity, balanced accuracy and ROC AUC "
        "are undefined."
    )
    assert "labelled positive, so specificity, balanced" in one_class_note(np.array([1]))
    assert one_class_note(np.array([0, 1])) == one_class_note(np.array([], int)) == ""
