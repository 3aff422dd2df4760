"""idc.prediction.explain: the parts that need no network.

`tests/prediction/test_training_features.py` covers the rest with a trained network.
"""

import numpy as np
import pytest

from idc.prediction.explain import (
    EightViews,
    eight_views,
    occlude_squares,
    occlusion_map,
    strongest_place,
)

PATCH = np.random.default_rng(0).integers(0, 256, (50, 50, 3)).astype(np.uint8)


def views(*y_prob, threshold=0.5):
    return EightViews(eight_views(PATCH), np.array(y_prob, np.float32), threshold)


# Eight views


def test_eight_views_differ_and_begin_with_the_original():
    views = eight_views(PATCH)

    assert np.array_equal(views[0], PATCH)
    assert np.array_equal(views[4], PATCH[:, ::-1])
    assert np.array_equal(views[2], PATCH[::-1, ::-1])
    assert len({view.tobytes() for view in views}) == 8


def test_equal_probabilities_have_zero_spread_and_a_stable_sentence():
    same = views(*[0.75] * 8)

    assert (same.mean, same.spread, same.dissenting) == (0.75, 0.0, 0)
    assert same.sentence() == (
        "The answer stands when the patch is turned or mirrored: the probability stays at 0.75."
    )


def test_dissenting_views_are_counted_against_the_original():
    some = views(0.6, 0.4, 0.5, 0.6, 0.7, 0.3, 0.8, 0.6)

    assert some.dissenting == 2
    assert some.sentence() == (
        "The answer changes when the patch is turned: 2 of 8 views are called the other class, the "
        "probability lies between 0.30 and 0.80. Do not rely on it."
    )


def test_class_of_a_view_depends_on_the_threshold():
    assert views(0.6, *[0.9] * 7, threshold=0.7).dissenting == 7


def test_wide_spread_within_one_class_is_doubtful():
    assert views(0.55, 0.95, 0.55, 0.95, 0.55, 0.95, 0.55, 0.95).sentence().endswith("with doubt.")


# Occlusion


def test_hidden_square_has_the_mean_colour_and_the_rest_is_unchanged():
    hidden, corners = occlude_squares(PATCH)
    mean = PATCH.reshape(-1, 3).mean(axis=0).round().astype(np.uint8)
    where = corners.tolist().index([3, 7])

    assert hidden.shape == (169, 50, 50, 3)
    assert (hidden[where, 7:19, 3:15] == mean).all()
    changed = (hidden[where] != PATCH).any(axis=2)
    assert not changed[:7].any() and not changed[19:].any()
    assert not changed[:, :3].any() and not changed[:, 15:].any()


def test_squares_cover_all_rims_equally():
    _, corners = occlude_squares(PATCH)

    assert corners.min() == -5  # 7 of 12 px lie on the patch
    assert corners.max() == 43


def test_occlusion_map_is_the_mean_over_the_squares_that_cover_a_pixel():
    corners = np.array(
        [[0, 0], [6, 0], [-5, 43], *([[x, y] for x in range(0, 50, 12) for y in range(0, 50, 12)])]
    )
    effect = np.zeros(len(corners))
    effect[:2] = 0.9, 0.3

    effect_map = occlusion_map(effect, corners, 50)

    assert effect_map[0, 0] == pytest.approx(0.45)  # of 0.9 and 0
    assert effect_map[0, 8] == pytest.approx(0.4)  # of 0.9, 0.3 and 0
    assert effect_map[0, 14] == pytest.approx(0.15)  # of 0.3 and 0
    assert effect_map[30, 30] == 0


@pytest.mark.parametrize(
    ("row", "column", "words"),
    [(0, 0, "the upper left"), (1, 1, "the middle"), (2, 1, "the bottom"), (1, 2, "the right")],
)
def test_strongest_place_is_named(row, column, words):
    shares = np.zeros((3, 3))
    shares[row, column] = 1

    assert strongest_place(shares) == words
    assert strongest_place(np.kron(shares, np.ones((4, 4)))) == words
