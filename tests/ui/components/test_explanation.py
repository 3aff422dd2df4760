import numpy as np
import pytest

from idc.datasets.description import KAGGLE_DESCRIPTION
from idc.prediction.explain import EightViews, Explanation, eight_views
from idc.ui.components.explanation import explanation_data

PATCH = np.random.default_rng(0).integers(0, 256, (50, 50, 3)).astype(np.uint8)


def maps(attention, occlusion):
    """The data sent to the browser about Grad-CAM and occlusion."""
    views = EightViews(eight_views(PATCH), np.full(8, 0.7, np.float32), 0.5)
    found = Explanation(0.7, np.asarray(attention, np.float32), occlusion, views)
    return explanation_data(PATCH, 0.7, found, KAGGLE_DESCRIPTION)["maps"]


def effect(row, column, value):
    """An occlusion map with one effect."""
    values = np.zeros((50, 50), np.float32)
    values[row, column] = value
    return values


def test_map_values_are_sent_row_by_row_with_their_range():
    attention, occlusion = maps([[0.5, -1.25], [0, 0.25]], effect(0, 1, 0.3))

    assert (attention["width"], attention["height"]) == (2, 2)
    assert attention["values"] == [0.5, -1.25, 0, 0.25]
    assert attention["range"] == 1.25
    assert occlusion["values"][:3] == [0, 0.3, 0]
    assert occlusion["range"] == pytest.approx(0.3)


def test_maps_explain_their_two_colours():
    attention, occlusion = maps([[1, -1]], effect(0, 0, 0.3))

    assert (attention["for"], attention["against"]) == ("speaks for IDC", "speaks against IDC")
    assert occlusion["for"] == "hiding it lowers the probability: it speaks for IDC"
    assert occlusion["against"] == "hiding it raises the probability: it speaks against IDC"
    assert "The map has 2 × 1 values, one per 100 µm" in attention["about"]


@pytest.mark.parametrize(
    ("attention", "sentence"),
    [
        ([[1, 0], [0, -1]], "Most for IDC: the upper left; most against: the lower right."),
        ([[-1, 0], [0, 0]], "No place speaks for IDC; most against it: the upper left."),
        ([[0, 0], [0, 2]], "No place speaks against IDC; most for it: the lower right."),
    ],
)
def test_grad_cam_sentence_names_the_strongest_places(attention, sentence):
    assert maps(attention, effect(0, 0, 0))[0]["found"] == sentence


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (0.31, "Hiding the lower right lowers the probability most: by 0.31."),
        (-0.12, "Hiding the lower right raises the probability most: by 0.12."),
        (0.01, "No single place decides: hiding any changes the probability by less than 0.02."),
    ],
)
def test_occlusion_sentence_names_the_decisive_place(value, sentence):
    assert maps([[1]], effect(45, 45, value))[1]["found"] == sentence


def test_small_effects_do_not_reach_full_colour():
    assert maps([[1]], effect(0, 0, 0.001))[1]["range"] == 0.02
