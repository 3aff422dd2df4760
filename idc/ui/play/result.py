"""The result of a round: scores, link, patches, and the scoreboard."""

import pandas as pd
import streamlit as st

from idc.datasets.place import place_of
from idc.datasets.store import PatchStore
from idc.errors import GameError
from idc.game.rounds import Round
from idc.game.rules import LEVELS, PATCHES_PER_ROUND, Game, model_guesses, tally
from idc.game.scoreboard import MAX_NAME_LENGTH, Score, clear_scores, list_scores, save_score
from idc.runs.run import Run
from idc.ui.components.patch_detail import patch_detail
from idc.ui.components.patch_grid import PatchTile, patch_grid
from idc.ui.play.board import player_name, player_tally
from idc.ui.play.current_round import is_own_round, leave_round, open_game, start_round
from idc.ui.play.share_link import share_link
from idc.ui.shared.formatting import escape_markdown, metric_row
from idc.ui.shared.guard import error_sentences, guarded

_RIVAL, _OPENED = "play_rival", "play_answers"
_TILE_PX = 80  # five per row beside the opened patch


def show_result(game: Game, run: Run, store: PatchStore, game_round: Round) -> None:
    """Scores, patches and next actions. A visitor with a link can play before the reveal."""
    _headline(game, run, game_round)
    rival = st.session_state.get(_RIVAL, ("",))
    may_see_answers = (
        is_own_round(game) or rival[0] == game.name or st.session_state.get(_OPENED) == game.name
    )
    with st.container(horizontal=True, gap="small"):
        if not may_see_answers and st.button(
            "Play the same patches",
            type="primary",
            icon=":material/play_arrow:",
            key="play_same",
        ):
            st.session_state[_RIVAL] = (game.name, game.guesses)
            open_game(run, store, game.restarted())
        if st.button(
            "Another round",
            type="primary" if may_see_answers else "secondary",
            icon=":material/refresh:",
            key="play_another",
        ):
            start_round(run, store, game.level, game.players)
        st.button(
            "Another level or model",
            icon=":material/tune:",
            key="play_tune",
            on_click=guarded(leave_round),
        )
        if not may_see_answers and st.button("Show the answers", type="tertiary", key="play_open"):
            st.session_state[_OPENED] = game.name
            st.rerun()
    query = f"?run={run.id}&data={store.name}&game={game.code()}"
    share_link(query, "Link to this result")
    if is_own_round(game):
        _enter_scores(game, run, store.name, game_round)
    _round_patches(game, run, store, game_round, show_answers=may_see_answers)


def scoreboard_section(data: str | None) -> None:
    """The scoreboard of a data set, of all with None, and the button that clears it."""
    st.subheader("Scoreboard")
    if data is not None:
        st.caption(f"Data set {escape_markdown(data)}")
    scores = list_scores(data)
    if not scores:
        st.caption("No scores yet. After a finished round you can enter yours here.")
        return
    rows = [
        {
            "Name": escape_markdown(score.name),
            "Right": f"{score.right} of {PATCHES_PER_ROUND}",
            "Level": LEVELS[score.level][0] if score.level in LEVELS else "–",
            "Longest streak": str(score.best_streak),
            "The CNN": f"{score.model_right} of {PATCHES_PER_ROUND}",
        }
        for score in scores
    ]
    table = pd.DataFrame(rows, index=pd.Index(range(1, len(rows) + 1), name="Place"))
    st.table(table.reset_index().astype(str).set_index("Place"))
    with st.popover("Clear the scoreboard", icon=":material/delete:"):
        st.markdown(f"Deletes these {len(scores)} scores for all visitors.")
        if st.button("Clear them", type="primary", key="play_clear"):
            with error_sentences():
                clear_scores(data)
                st.rerun()


def _headline(game: Game, run: Run, game_round: Round) -> None:
    model = tally(model_guesses(game_round.y_prob, game_round.threshold), game_round.labels)
    scores = [player_tally(game, number, game_round) for number in range(game.players)]
    best = max(score.right for score in scores)
    winners = [
        player_name(game, number) for number, score in enumerate(scores) if score.right == best
    ]
    from_link = game.players == 1 and not is_own_round(game) and _rival_of(game) is None
    winner = "This player" if from_link else " and ".join(winners)
    st.subheader(f"{winner}: {best} of {PATCHES_PER_ROUND} right. The CNN: {model.right}.")
    entries = [
        (
            winner if game.players == 1 else player_name(game, number),
            f"{score.right} of {PATCHES_PER_ROUND}",
            f"Longest streak: {score.best_streak}.",
        )
        for number, score in enumerate(scores)
    ]
    rival = _rival_of(game)
    if rival is not None:
        entries += [
            (
                "Sender of the link",
                f"{tally(guesses, game_round.labels).right} of {PATCHES_PER_ROUND}",
                "",
            )
            for guesses in rival
        ]
    entries.append(("The CNN", f"{model.right} of {PATCHES_PER_ROUND}", "At its own threshold."))
    metric_row(entries)
    border = (
        " The labels come from a pathologist's outline of the cancer and can be wrong at its "
        "border."
        if run.description().is_idc_set
        else ""
    )
    st.caption(
        f"{LEVELS[game.level][0]}: {LEVELS[game.level][1]}. Against "
        f"{escape_markdown(run.title)}.{border}"
    )


def _rival_of(game: Game) -> tuple[str, ...] | None:
    """The guesses of the link that this visitor replayed; None without one."""
    name, *guesses = st.session_state.get(_RIVAL, ("",))
    return guesses[0] if name == game.name and guesses else None


def _enter_scores(game: Game, run: Run, data: str, game_round: Round) -> None:
    """A form per player to enter the score."""
    model = tally(model_guesses(game_round.y_prob, game_round.threshold), game_round.labels)
    entered = st.session_state.setdefault("play_entered", set())
    for number in range(game.players):
        score, key = player_tally(game, number, game_round), f"{game.name}-{number}"
        if key in entered:
            continue
        with (
            st.form(f"play_enter_{key}", border=False),
            st.container(horizontal=True, vertical_alignment="bottom", gap="small"),
        ):
            name = st.text_input(
                f"Name of {player_name(game, number).lower()} for the scoreboard"
                if game.players == 2
                else "Your name for the scoreboard",
                max_chars=MAX_NAME_LENGTH,
                key=f"play_name_{number}",
                width=340,
            )
            submitted = st.form_submit_button("Enter the score", key=f"play_enter_button_{number}")
        if not submitted:
            continue
        with error_sentences():
            saved = save_score(
                Score(
                    name,
                    f"{game.name}-{run.id}",
                    game.level,
                    score.right,
                    score.best_streak,
                    model.right,
                    data,
                )
            )
            if not saved:
                raise GameError("This name already has a score for this round. Choose another one.")
            entered.add(key)
            st.rerun()


def _round_patches(
    game: Game, run: Run, store: PatchStore, game_round: Round, *, show_answers: bool
) -> None:
    st.subheader("The ten patches")
    if not show_answers:
        st.caption("Shown without answers, so that you can still play the round.")
    left, right = st.columns([5, 3], gap="medium")
    with left:
        picked = patch_grid(
            store.patches[game_round.rows],
            [
                _tile(game, store, game_round, turn, show_answers)
                for turn in range(PATCHES_PER_ROUND)
            ],
            key=f"play_ten_{int(show_answers)}",
            tile_px=_TILE_PX,
            label="The ten patches of the round",
        )
    if show_answers and picked is not None:
        with right:
            turn = game_round.rows.tolist().index(picked)
            patch_detail(store, picked, run=run, probability=float(game_round.y_prob[turn]))


def _tile(
    game: Game, store: PatchStore, game_round: Round, turn: int, show_answers: bool
) -> PatchTile:
    row = int(game_round.rows[turn])
    if not show_answers:
        return PatchTile(row, None, f"{turn + 1}", f"Patch {turn + 1}")
    label = int(game_round.labels[turn])
    model = model_guesses(game_round.y_prob, game_round.threshold)
    guesses = {player_name(game, number): g[turn] for number, g in enumerate(game.guesses)}
    guesses["CNN"] = model[turn]
    marks = {name: "✓" if (guess == "p") == bool(label) else "✗" for name, guess in guesses.items()}
    outcomes = ", ".join(
        f"{name} {'right' if mark == '✓' else 'wrong'}" for name, mark in marks.items()
    )
    place, description = place_of(store, row), store.description
    return PatchTile(
        row,
        label,
        " ".join(f"{name.replace('Player ', '')} {mark}" for name, mark in marks.items()),
        f"{description.patch_title(place.case, place.x, place.y)}, labelled "
        f"{description.class_name(label)}; {outcomes}; "
        f"probability {float(game_round.y_prob[turn]):.3f}",
    )
