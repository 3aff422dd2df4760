import numpy as np
import pytest

from idc.evaluation.curve_points import published_iso_lines, thin_curve, thinned_curves
from idc.metrics.scores import roc_points


def test_short_curves_keep_every_point():
    drawn = thinned_curves(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8]))

    assert drawn["roc"] == [[0, 0], [0, 0.5], [0.5, 0.5], [0.5, 1], [1, 1]]
    assert drawn["recall"] == [[1, 0.5], [1, 0.6667], [0.5, 0.5], [0.5, 1], [0, 1]]


def test_long_curve_is_thinned_without_losing_its_shape():
    rng = np.random.default_rng(0)
    y_true = rng.integers(0, 2, 20_000)
    y_prob = rng.normal(y_true, 1.0)
    points = roc_points(y_true, y_prob)[["false_positive_rate", "sensitivity"]].to_numpy()

    drawn = np.array(thin_curve(points, 100))

    assert len(drawn) <= 100 < len(points)
    assert drawn[0].tolist() == [0, 0] and drawn[-1].tolist() == [1, 1]
    between = np.interp(points[:, 0], drawn[:, 0], drawn[:, 1])
    assert np.abs(between - points[:, 1]).max() < 0.02


@pytest.mark.parametrize("label", [0, 1])
def test_single_class_has_no_curve(label):
    assert thinned_curves(np.full(3, label), np.array([0.1, 0.2, 0.3])) == {"roc": [], "recall": []}


def test_result_without_a_figure_has_no_line():
    by_name = {line["name"]: line for line in published_iso_lines()}

    assert by_name["Romero et al. 2019"]["recall"] == []
    assert by_name["Cruz-Roa et al. 2014"]["roc"] == [[0, 0.684], [0.316, 1]]
