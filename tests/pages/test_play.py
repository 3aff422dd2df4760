"""You against the CNN: no answer is sent before the guess, and links hold rounds."""

import json

import numpy as np
import pytest

from idc.game.rounds import draw_round
from idc.game.rules import parse_game
from idc.game.scoreboard import Score, list_scores, save_score
from idc.runs.run import BUNDLED_RUN_ID, open_run
from idc.ui.play import current_round
from tests.support.app_pages import metrics, open_page, text
from tests.support.made_patches import tiny_store

CODE = "e1-00c0de-{check}-{guesses}"


@pytest.fixture
def drawn(home, monkeypatch):
    """Ten generated patches with a stand-in for the bundled model, without explanations.

    What is darker than a middle grey is positive to it, whatever the model's threshold.
    """

    def predict(run, patches):
        darkness = 0.5 - patches.mean(axis=(1, 2, 3)) / 255
        return np.clip(run.calibration().threshold + darkness, 0, 1).astype(np.float32)

    monkeypatch.setattr("idc.game.rounds.predict_patches", predict)
    monkeypatch.setattr(current_round, "explanation", lambda run, rgb, probability: None)
    monkeypatch.setattr(current_round, "show_warnings", lambda run, rgb: None)
    return draw_round(open_run(BUNDLED_RUN_ID), tiny_store("mine", cases=12), "easy", 0xC0DE)


def right_guesses(drawn, count=10):
    return "".join("np"[label] for label in drawn.labels[:count])


def open_link(drawn, guesses, **change):
    code = CODE.format(check=drawn.check, guesses=guesses)
    return open_page("play", query={"run": BUNDLED_RUN_ID, "data": "mine", "game": code} | change)


def sent(at, key):
    """The data sent to the component that has this key in its data."""
    found = [json.loads(view.proto.json) for view in at.get("bidi_component")]
    return next(data for data in found if key in data)


def address(at):
    """The game in the URL; AppTest returns a value written by the page as a list."""
    code = at.query_params["game"]
    return code if isinstance(code, str) else code[0]


def say(at, name, **message):
    at.session_state["play"] = {name: message}
    return at.run()


def test_start_draws_a_round_and_shows_its_first_patch(drawn):
    at = open_page("play")
    at.button(key="play_start").click().run()

    assert not at.exception
    game = parse_game(address(at))
    assert (game.level, game.guesses) == ("easy", ("",))
    assert (sent(at, "players")["turn"], sent(at, "players")["mode"]) == (1, "ask")


def test_page_contains_no_label_and_no_prediction_before_the_guess(drawn):
    at = open_link(drawn, "")
    [view] = at.get("bidi_component")
    data = json.loads(view.proto.json)

    assert data["reveal"] is None
    texts = {"alt", "class_names", "question"}
    assert set(data) == {"game", "turn", "of", "mode", "picture", *texts, "players", "reveal"}
    [player] = data["players"]
    assert (player["right"], player["hits"]) == (0, [])
    assert data.pop("class_names") == ["IDC-negative", "IDC-positive"]  # on both buttons
    everything = text(at) + json.dumps({**data, "picture": ""})
    assert "IDC-" not in everything and f"{drawn.y_prob[0]:.3f}" not in everything
    assert "Case" not in everything  # the label could be looked up by it


def test_guess_reveals_label_and_prediction_and_updates_the_url(drawn):
    at = open_link(drawn, "")
    game, guess = sent(at, "players")["game"], right_guesses(drawn, 1)
    say(at, "guessed", game=game, turn=1, guesses=guess)

    data = sent(at, "players")
    assert (data["mode"], data["reveal"]["label"]) == ("reveal", int(drawn.labels[0]))
    assert data["players"][0]["hit"] is True
    assert data["reveal"]["answer"].endswith(
        f"Probability of IDC {drawn.y_prob[0]:.1%}, its threshold is {drawn.threshold:.1%}."
    )
    assert sent(at, "cells")["place"]  # the surroundings
    assert address(at) == CODE.format(check=drawn.check, guesses=guess)

    say(at, "next", game=game, turn=1)
    assert (sent(at, "players")["mode"], sent(at, "players")["turn"]) == ("ask", 2)


def test_message_about_another_patch_or_round_is_ignored(drawn):
    at = open_link(drawn, "")
    say(at, "guessed", game=sent(at, "players")["game"], turn=4, guesses="p")
    say(at, "guessed", game="h1-000000-0000", turn=1, guesses="p")

    assert address(at) == CODE.format(check=drawn.check, guesses="")
    assert sent(at, "players")["mode"] == "ask"


def test_link_shows_the_result_without_the_answers(drawn):
    at = open_link(drawn, right_guesses(drawn))

    assert metrics(at)["This player"] == "10 of 10"
    assert [tile["label"] for tile in sent(at, "tiles")["tiles"]] == [None] * 10
    assert not at.text_input  # a linked round cannot be entered
    at.button(key="play_same").click().run()
    assert address(at) == CODE.format(check=drawn.check, guesses="")
    assert sent(at, "players")["turn"] == 1


def test_own_score_can_be_entered_once_under_an_escaped_name(drawn):
    name = "<b>*Ada*</b>"
    game = parse_game(CODE.format(check=drawn.check, guesses=right_guesses(drawn)))
    at = open_link(drawn, right_guesses(drawn))
    at.session_state["play_own"] = {game.name: game.guesses}
    at.run()
    at.text_input(key="play_name_0").set_value(name)
    at.button(key="play_enter_button_0").click().run()

    assert [(score.name, score.right, score.best_streak) for score in list_scores()] == [
        (name, 10, 10)
    ]
    assert at.table[0].value["Name"].tolist() == [r"\<b\>\*Ada\*\</b\>"]
    assert not at.text_input


def test_scoreboard_is_cleared_after_confirmation(drawn):
    save_score(Score("Ada", "round", "easy", 7, 3, 9))
    at = open_page("play")
    assert "Deletes these 1 scores for all visitors." in text(at)
    at.button(key="play_clear").click().run()

    assert list_scores() == []
    assert not at.table


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"game": "h1-xyz"}, "not a round of the game"),
        ({"game": "e1-00c0de-ffff-p"}, "have changed"),
        ({"run": "../../etc"}, "There is no run"),
        ({"data": "gone"}, "gone"),
    ],
)
def test_invalid_link_shows_a_sentence_and_a_new_round_button(drawn, change, words):
    at = open_link(drawn, "p", **change)

    assert not at.exception
    [error] = at.error
    assert words in error.value.replace("\\", "")
    at.button[0].click().run()
    assert at.button(key="play_start")


def test_page_without_unseen_cases_shows_a_sentence(home):
    from idc.runs.run import BEST_FILE, WEIGHTS_FILE
    from tests.support.evaluated_run import evaluated_run

    run = evaluated_run(name="once")
    for file in (BEST_FILE, WEIGHTS_FILE):
        (run.folder / file).write_text("{}")
    at = open_page("play", query={"run": run.id})

    assert "has trained on every case" in at.error[0].value
    assert not [button for button in at.button if button.key == "play_start"]
