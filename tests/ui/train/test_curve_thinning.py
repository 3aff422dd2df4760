import numpy as np
import pytest

from idc.ui.train.curve_thinning import smoothed, thinned


def test_short_curve_keeps_all_points():
    assert thinned([3.0, 1.0, 2.0], max_points=4).tolist() == [0, 1, 2]


def test_spikes_and_the_newest_point_are_kept():
    values = np.zeros(10_000)
    values[[1_234, 7_777]] = 5, -5

    kept = thinned(values, max_points=100)

    assert {1_234, 7_777, 9_999} <= set(kept.tolist())


@pytest.mark.parametrize("max_points", [4, 5, 100, 401])
def test_points_are_ascending_distinct_and_at_most_the_maximum(max_points):
    values = np.sin(np.arange(5_000))

    kept = thinned(values, max_points).tolist()

    assert len(kept) <= max_points
    assert kept == sorted(set(kept))


def test_lowest_and_highest_of_each_bin_are_kept():
    values = [0, 9, 4, 3, 8, 1, 5, 5, 7, 2]  # two bins of five, and the newest

    assert thinned(values, max_points=5).tolist() == [0, 1, 5, 8, 9]


def test_empty_curve_has_no_points():
    assert thinned([], max_points=4).tolist() == []
    assert smoothed([]).tolist() == []


def test_average_of_one_value_is_that_value():
    assert smoothed([4.0], weight=0.95).tolist() == pytest.approx([4.0])


def test_average_weighs_the_past():
    # 1; (1/2 * 1/2 + 1/2 * 3) / (3/4) = 7/3; (1/2 * 7/4 + 1/2 * 0) / (7/8) = 1
    assert smoothed([1.0, 3.0, 0.0], weight=0.5).tolist() == pytest.approx([1, 7 / 3, 1])


def test_weight_zero_changes_nothing():
    assert smoothed([1.0, 5.0, 2.0], weight=0.0).tolist() == [1.0, 5.0, 2.0]


def test_constant_curve_stays_constant():
    assert smoothed(np.full(500, 0.7)).tolist() == pytest.approx([0.7] * 500)
