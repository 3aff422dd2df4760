"""idc.game.rules: rules, levels, the draw, and the code in a link."""

import numpy as np
import pytest

from idc.errors import GameError
from idc.game.rules import (
    Game,
    Tally,
    draw_patches,
    model_guesses,
    parse_game,
    positions_of_level,
    tally,
)


def places(count: int, case: int = 1) -> np.ndarray:
    """Patches of one slide, three cells apart."""
    return np.array([[case, 1 + 150 * number, 1] for number in range(count)])


def test_each_turn_takes_one_guess_per_player():
    game = Game("hard", 0xC0DE, "9b1e", ("", ""))

    game = game.with_guesses(0, "pn").with_guesses(1, "nn")

    assert game.guesses == ("pn", "nn")
    assert (game.turn, game.players, game.is_over) == (2, 2, False)


def test_late_or_early_guess_is_ignored():
    game = Game("easy", 1, "0000", ("pp",))

    assert game.with_guesses(1, "n") == game
    assert game.with_guesses(3, "n") == game
    full = Game("easy", 1, "0000", ("p" * 10,))
    assert full.is_over
    assert full.with_guesses(10, "n") == full


@pytest.mark.parametrize("guesses", ["", "x", "pn", "None"])
def test_invalid_guess_is_refused(guesses):
    with pytest.raises(GameError):
        Game("easy", 1, "0000", ("",)).with_guesses(0, guesses)


@pytest.mark.parametrize(
    ("game", "code"),
    [
        (Game("hard", 0xC0DE, "9b1e", ("",)), "h1-00c0de-9b1e-"),
        (Game("easy", 2**24 - 1, "0000", ("pnnp",)), "e1-ffffff-0000-pnnp"),
        (Game("medium", 0, "abcd", ("p" * 10, "n" * 10)), f"m2-000000-abcd-{'p' * 10}-{'n' * 10}"),
    ],
)
def test_code_round_trips_the_whole_game(game, code):
    assert game.code() == code
    assert parse_game(code) == game


@pytest.mark.parametrize(
    "code",
    [
        "",
        "h1-00c0de-9b1e",
        "x1-00c0de-9b1e-p",
        "h3-00c0de-9b1e-p",
        "h1-00C0DE-9b1e-p",
        "h1-1000000-9b1e-p",
        "h1-00c0de-9b1e-pq",
        f"h1-00c0de-9b1e-{'p' * 11}",
        "h1-00c0de-9b1e-p-n",  # one player, two rows of guesses
        "h2-00c0de-9b1e-p",
        "h2-00c0de-9b1e-p-nn",  # the second player has more guesses
        "h1-00c0de-9b1e-p\n",
    ],
)
def test_invalid_code_is_refused(code):
    with pytest.raises(GameError, match="not a round of the game"):
        parse_game(code)


def test_restarted_game_has_no_guesses():
    assert Game("easy", 5, "abcd", ("pp", "nn")).restarted() == Game("easy", 5, "abcd", ("", ""))


def test_tally_counts_hits_streak_and_best_streak():
    labels = [1, 0, 1, 1, 0, 1]

    assert tally("", labels) == Tally(0, 0, 0)
    assert tally("pnp", labels) == Tally(3, 3, 3)
    assert tally("pnpnn", labels) == Tally(4, 1, 3)
    assert tally("npnnpn", labels) == Tally(0, 0, 0)


def test_model_guesses_positive_at_its_threshold():
    assert model_guesses(np.array([0.39, 0.4, 0.9]), 0.4) == "npp"


def test_model_guesses_negative_just_below_its_threshold():
    assert model_guesses(np.array([0.4], np.float32), float(np.float32(0.4)) + 1e-10) == "n"


def test_levels_split_each_class_by_certainty():
    labels = np.array([1, 1, 1, 0, 0, 0])
    y_prob = np.array([0.3, 0.99, 0.6, 0.45, 0.8, 0.01])

    assert positions_of_level(labels, y_prob, 0.5, "easy").tolist() == [1, 5]
    assert positions_of_level(labels, y_prob, 0.5, "medium").tolist() == [2, 3]
    assert positions_of_level(labels, y_prob, 0.5, "hard").tolist() == [0, 4]


def test_patches_near_any_threshold_are_hard():
    labels, y_prob = np.array([1, 1, 1]), np.array([0.21, 0.9, 0.5])

    assert positions_of_level(labels, y_prob, 0.2, "hard").tolist() == [0]


def test_easy_level_has_no_model_errors():
    labels, y_prob = np.array([1, 1, 1, 0, 0, 0]), np.array([0.1, 0.2, 0.3, 0.1, 0.2, 0.3])

    assert positions_of_level(labels, y_prob, 0.5, "easy").tolist() == [3]


def test_draw_is_reproducible_and_has_three_to_seven_positives():
    labels = np.arange(60) % 2
    rounds = [draw_patches(labels, places(60), seed) for seed in range(40)]

    assert all(len(set(drawn.tolist())) == 10 for drawn in rounds)
    assert {int(labels[drawn].sum()) for drawn in rounds} == {3, 4, 5, 6, 7}
    assert draw_patches(labels, places(60), 3).tolist() == rounds[3].tolist()
    assert rounds[3].tolist() != rounds[4].tolist()


def test_patches_of_a_round_are_far_apart():
    near = np.array([[case, x, 1] for case in range(1, 17) for x in (1, 51, 101)])

    drawn = near[draw_patches(np.arange(48) // 3 % 2, near, seed=0)]

    assert len(set(drawn[:, 0].tolist())) == 10  # one per case: patches of a case are too close


def test_too_few_patches_are_refused():
    with pytest.raises(GameError, match="too few patches"):
        draw_patches(np.arange(8) % 2, places(8), seed=0)
    with pytest.raises(GameError, match="too few patches"):
        draw_patches(np.zeros(50, int), places(50), seed=0)
