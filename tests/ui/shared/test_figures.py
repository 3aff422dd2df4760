"""idc.ui.shared.figures: figures show the given numbers."""

import pandas as pd
import pytest

from idc.patches import NEGATIVE_COLOUR, POSITIVE_COLOUR
from idc.ui.shared.figures import case_counts_figure, class_counts_figure, epoch_figure


def trace(figure, name):
    (found,) = (trace for trace in figure.data if trace.name == name)
    return found


def points(figure, name):
    found = trace(figure, name)
    return list(zip(found.x, found.y, strict=True))


def test_class_bars_show_counts_and_shares():
    figure = class_counts_figure(7_500, 2_500)

    (bars,) = figure.data
    assert list(bars.x) == ["IDC-negative", "IDC-positive"]
    assert list(bars.y) == [7_500, 2_500]
    assert list(bars.text) == ["7,500 (75.0%)", "2,500 (25.0%)"]
    assert list(bars.marker.color) == [NEGATIVE_COLOUR, POSITIVE_COLOUR] == ["#0072B2", "#D55E00"]
    assert figure.layout.yaxis.title.text == "patches"


def test_no_patches_give_zero_per_cent():
    (bars,) = class_counts_figure(0, 0).data

    assert list(bars.text) == ["0 (0.0%)", "0 (0.0%)"]


def test_case_bars_are_stacked_by_class_largest_first():
    index = pd.DataFrame({"case": [11] + [22] * 4 + [33] * 2, "label": [0, 0, 1, 1, 1, 0, 0]})

    figure = case_counts_figure(index)

    assert points(figure, "IDC-negative") == [("22", 1), ("33", 2), ("11", 1)]
    assert points(figure, "IDC-positive") == [("22", 3), ("33", 0), ("11", 0)]
    assert trace(figure, "IDC-negative").marker.color == NEGATIVE_COLOUR
    assert figure.layout.barmode == "stack"
    assert figure.layout.xaxis.type == "category"  # no gaps between case numbers


def test_missing_class_gives_empty_bars():
    figure = case_counts_figure(pd.DataFrame({"case": [5, 5], "label": [1, 1]}))

    assert points(figure, "IDC-negative") == [("5", 0)]
    assert points(figure, "IDC-positive") == [("5", 2)]


def test_epoch_figure_draws_both_curves_and_marks_the_kept_epoch():
    epochs = pd.DataFrame(
        {
            "epoch": [1, 2, 3],
            "loss": [0.9, 0.5, 0.3],
            "val_loss": [0.8, 0.6, 0.7],
            "best": [True, True, False],
        }
    )

    figure = epoch_figure(epochs, "loss", "val_loss", "loss")

    assert points(figure, "training") == [(1, 0.9), (2, 0.5), (3, 0.3)]
    assert points(figure, "validation") == [(1, 0.8), (2, 0.6), (3, 0.7)]
    assert points(figure, "kept weights") == [(2, 0.6)]
    assert figure.layout.yaxis.title.text == "loss"


@pytest.mark.parametrize(("count", "step"), [(1, 1), (10, 1), (40, 4)])
def test_epochs_are_numbered_in_whole_steps(count, step):
    epochs = pd.DataFrame(
        {"epoch": range(1, count + 1), "loss": 0.5, "val_loss": 0.5, "best": True}
    )

    assert epoch_figure(epochs, "loss", "val_loss", "loss").layout.xaxis.dtick == step
