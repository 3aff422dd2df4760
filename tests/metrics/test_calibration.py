"""idc.metrics.calibration: temperature, threshold, reliability, on answers to check by hand."""

import numpy as np
import pytest

from idc.errors import IdcError
from idc.metrics.calibration import (
    Calibration,
    best_threshold,
    calibration_error,
    fit_calibration,
    reliability_table,
)


def test_without_a_calibration_answers_stay_bit_for_bit():
    y_prob = np.array([0.0, 0.3, 1.0], np.float32)

    assert Calibration().apply(y_prob).tobytes() == y_prob.tobytes()
    assert Calibration().threshold == 0.5


def test_temperature_divides_the_log_odds():
    # odds 9 and 1/9; half of their logarithm are odds 3 and 1/3
    softened = Calibration(temperature=2.0).apply(np.array([0.9, 0.1, 0.5]))

    assert softened == pytest.approx([0.75, 0.25, 0.5], abs=1e-6)


def test_temperature_keeps_the_order_and_the_limits():
    y_prob = np.array([0.0, 1e-6, 0.2, 0.999, 1.0], np.float32)
    softened = Calibration(temperature=3.0).apply(y_prob)

    assert softened.dtype == np.float32
    assert (np.diff(softened) > 0).all()
    assert softened[0] > 0 and softened[-1] < 1


def test_answer_that_is_no_number_stays_none():
    assert np.isnan(Calibration(temperature=2.0).apply(np.array([np.nan]))).all()


def test_fit_finds_the_temperature_that_spoilt_the_answers():
    # of 100 patches each, 75 % and 25 % are positive; the network claims odds of 27 and 1/27
    y_true = np.repeat([1, 0, 1, 0], [75, 25, 25, 75])
    y_prob = np.repeat([27 / 28, 1 / 28], 100)
    found = fit_calibration(y_true, y_prob)

    assert found.temperature == pytest.approx(3.0, abs=0.01)  # odds 27 are 3 to the power of 3
    assert found.apply(y_prob[[0, -1]]) == pytest.approx([0.75, 0.25], abs=1e-3)
    assert 0.25 < found.threshold < 0.75


def test_fit_without_both_classes_is_refused():
    with pytest.raises(IdcError, match="patches of both classes"):
        fit_calibration(np.array([1, 1]), np.array([0.2, 0.9]))


def test_best_threshold_lies_halfway_between_the_classes():
    assert best_threshold(np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.6, 0.9])) == 0.4


def test_best_threshold_of_answers_that_are_all_the_same_calls_all_alike():
    threshold = best_threshold(np.array([0, 1]), np.array([0.3, 0.3]))

    assert threshold == 1.0


@pytest.mark.parametrize("surest", [0.9, 1.0])
def test_best_threshold_of_answers_worse_than_guessing_calls_all_alike(surest):
    y_prob = np.array([surest, 0.2])

    called = y_prob >= best_threshold(np.array([0, 1]), y_prob)

    assert called[0] == called[1]


def test_reliability_leaves_out_empty_bins():
    table = reliability_table(np.array([0, 1, 1]), np.array([0.62, 0.68, 1.0]))

    assert table["patches"].tolist() == [2, 1]
    assert table["y_prob"].tolist() == pytest.approx([0.65, 1.0])
    assert table["positive_share"].tolist() == [0.5, 1.0]


def test_calibration_error_is_the_mean_distance_over_patches():
    # bins: 0.2 with a share of 1/2, two patches; 0.9 with a share of 1, two patches
    error = calibration_error(np.array([0, 1, 1, 1]), np.array([0.2, 0.2, 0.9, 0.9]))

    assert error == pytest.approx((2 * 0.3 + 2 * 0.1) / 4)
