"""The patch of the current turn: to guess, or revealed with label and prediction."""

from typing import Any

import numpy as np
import streamlit as st

from idc.datasets.description import DataDescription
from idc.datasets.store import PatchStore
from idc.game.rounds import Round
from idc.game.rules import PATCHES_PER_ROUND, Game, Tally, model_guesses, tally
from idc.ui.components.image_uri import png_uri
from idc.ui.components.own_component import own_component

KEY = "play"

_KEYS = {  # players -> per player: guess -> (key names shown, key names of the browser)
    1: [{"n": (["←", "N"], ["ArrowLeft", "N"]), "p": (["→", "P"], ["ArrowRight", "P"])}],
    2: [
        {"n": (["A"], ["A"]), "p": (["D"], ["D"])},
        {"n": (["J"], ["J"]), "p": (["L"], ["L"])},
    ],
}

_view = own_component(__file__, "text_button")


def browser_message(name: str) -> dict[str, Any]:
    """The latest message "guessed" or "next" of the browser; {} if there is none."""
    message = st.session_state.get(KEY, {}).get(name)
    return dict(message) if isinstance(message, dict) else {}


def show_board(
    game: Game, store: PatchStore, game_round: Round, *, turn: int, reveal: bool
) -> None:
    """Show one patch.

    Args:
        turn: number of the patch, 0 to 9.
        reveal: show label and prediction, after all players have guessed.
    """
    _view(
        key=KEY,
        data=board_data(game, store, game_round, turn=turn, reveal=reveal),
        on_guessed_change=lambda: None,
        on_next_change=lambda: None,
    )


def board_data(
    game: Game, store: PatchStore, game_round: Round, *, turn: int, reveal: bool
) -> dict[str, Any]:
    """The data sent to the browser; before the guess it contains neither label nor prediction.

    Returns:
        "game" (its name), "turn" (from 1), "of", "mode" ("ask" or "reveal"), "picture" (PNG data
        URI), "alt", "class_names", "question", "players", each with "title", "right", "streak",
        "hits", "keys" (names shown) and "codes" (names of the browser), and after the guess
        "outcome" and "hit"; "reveal": None before the guess, else "label", "truth", "answer",
        "words", "last".
    """
    known = game_round.labels[: turn + reveal]
    description, side = store.description, store.description.side_px
    size = description.size_text(side, side)
    alt = f"Patch of {size}, enlarged"
    if description.is_idc_set:
        alt = f"H&E-stained tissue, {size.removesuffix(' of tissue')}, enlarged"
    return {
        "game": game.name,
        "turn": turn + 1,
        "of": PATCHES_PER_ROUND,
        "mode": "reveal" if reveal else "ask",
        "picture": png_uri(store.patches[game_round.rows[turn]]),
        "alt": alt,
        "class_names": list(description.class_names),
        "question": f"Is it {description.target}?",
        "players": [
            _player(game, number, known, turn if reveal else None, description)
            for number in range(game.players)
        ],
        "reveal": _reveal(game_round, turn, description) if reveal else None,
    }


def player_name(game: Game, number: int) -> str:
    """ "You", or "Player 1" beside a second one."""
    return "You" if game.players == 1 else f"Player {number + 1}"


def player_tally(game: Game, number: int, game_round: Round) -> Tally:
    """A player's score so far."""
    return tally(game.guesses[number], game_round.labels)


def _player(
    game: Game,
    number: int,
    known: np.ndarray,
    revealed: int | None,
    description: DataDescription,
) -> dict[str, Any]:
    guesses, keys = game.guesses[number], _KEYS[game.players][number]
    hits = [(guess == "p") == bool(label) for guess, label in zip(guesses, known, strict=False)]
    score = tally(guesses[: len(known)], known)
    data: dict[str, Any] = {
        "title": player_name(game, number),
        "right": score.right,
        "streak": score.streak,
        "hits": hits,
        "keys": {guess: shown for guess, (shown, _) in keys.items()},
        "codes": {guess: codes for guess, (_, codes) in keys.items()},
    }
    if revealed is not None:
        hit = hits[revealed]
        data |= {
            "hit": hit,
            "outcome": f"{'✓' if hit else '✗'} {_class_of(guesses[revealed], description)}: "
            f"{'right' if hit else 'wrong'}",
        }
    return data


def _class_of(guess: str, description: DataDescription) -> str:
    return description.class_name(int(guess == "p"))


def _reveal(game_round: Round, turn: int, description: DataDescription) -> dict[str, Any]:
    label, probability = int(game_round.labels[turn]), float(game_round.y_prob[turn])
    guess = model_guesses(game_round.y_prob[turn : turn + 1], game_round.threshold)
    outcome = "right" if (guess == "p") == bool(label) else "wrong"
    truth = f"Labelled {description.class_name(label)}"
    answer = (
        f"The CNN predicts {_class_of(guess, description)}: {outcome}. Probability of "
        f"{description.target} {probability:.1%}, its "
        f"threshold is {game_round.threshold:.1%}."
    )
    return {
        "label": label,
        "truth": truth,
        "answer": answer,
        "words": f"{truth}. {answer}",
        "last": turn == PATCHES_PER_ROUND - 1,
    }
