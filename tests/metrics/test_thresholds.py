import numpy as np
import pytest

from idc.metrics.scores import evaluate
from idc.metrics.thresholds import (
    sensitive_threshold,
    shortest_equivalent_threshold,
    threshold_presets,
)

# Twenty positives from 0.05 to 1 in steps of 0.05; negatives below 0.3.
Y_TRUE = np.array([1] * 20 + [0] * 5)
Y_PROB = np.array([0.05 * n for n in range(1, 21)] + [0.01, 0.02, 0.11, 0.12, 0.28])


def test_sensitive_threshold_is_the_highest_that_finds_19_of_20():
    threshold = sensitive_threshold(Y_TRUE, Y_PROB)

    assert threshold == pytest.approx(0.10)
    assert evaluate(Y_TRUE, Y_PROB, threshold).sensitivity == 0.95
    assert evaluate(Y_TRUE, Y_PROB, threshold + 0.001).sensitivity < 0.95


def test_sensitive_threshold_is_never_above_one():
    assert sensitive_threshold(np.array([0, 1]), np.array([0.2, 1.0])) == 1.0


def test_presets_are_half_best_balance_and_sensitive():
    found = threshold_presets(Y_TRUE, Y_PROB)

    assert [(preset.name, preset.threshold) for preset in found] == [
        ("half", 0.5),
        ("balanced", 0.29),  # halfway from the highest negative, 0.28, to the next positive
        ("sensitive", 0.1),
    ]
    assert "on 25 validation patches, without test patches" in found[1].meaning


@pytest.mark.parametrize("y_true", [[], [0, 0], [1, 1]])
def test_without_both_classes_of_validation_patches_there_is_only_half(y_true):
    y_true = np.array(y_true, int)

    assert [preset.name for preset in threshold_presets(y_true, np.full(len(y_true), 0.4))] == [
        "half"
    ]


@pytest.mark.parametrize("seed", range(5))
def test_shortest_number_calls_the_same_patches_positive(seed):
    rng = np.random.default_rng(seed)
    y_prob = rng.random(500).astype(np.float32) ** 8  # crowded near 0, as confident models are
    threshold = float(rng.random()) ** 8

    short = shortest_equivalent_threshold(threshold, y_prob)

    assert ((y_prob.astype(float) >= short) == (y_prob.astype(float) >= threshold)).all()
    assert len(repr(short)) <= len(repr(threshold))


def test_threshold_between_neighbours_gets_three_decimals():
    assert shortest_equivalent_threshold(0.43715, np.array([0.2, 0.4, 0.47, 0.9])) == 0.437
