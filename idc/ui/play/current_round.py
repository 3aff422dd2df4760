"""Choose, play and leave a round of You against the CNN.

The URL holds the round and its guesses, so a refresh continues at the same turn, and the last URL
of a round is a link to its result.
"""

import secrets

import streamlit as st

from idc.datasets.store import PatchStore, list_stores
from idc.errors import DataError, GameError
from idc.game.rounds import Round, draw_round, unseen_rows
from idc.game.rules import LEVELS, SEED_COUNT, Game, parse_game
from idc.runs.run import BUNDLED_RUN_ID, Run, list_runs, open_run
from idc.ui.components.explanation import explanation, show_warnings
from idc.ui.components.patch_detail import patch_detail
from idc.ui.play.board import browser_message, show_board
from idc.ui.shared.formatting import class_name
from idc.ui.shared.guard import error_sentences, guarded
from idc.ui.shared.pickers import cached_store, choose_run, choose_store, linked_row

URL_PARAMETER = "game"
_SEEN, _OWN = "play_seen", "play_own"
_PLAYERS = {1: "One", 2: "Two, on one keyboard"}


def choose_round() -> PatchStore | None:
    """Choose model, data set, level and number of players; a button starts the round.

    Returns:
        The chosen data set, None without one.
    """
    run = choose_run(with_model=True, default=_best_opponent())
    store = None if run is None else _store_for(run)
    if run is None or store is None:
        return None
    with st.container(horizontal=True, gap="large"):
        level = st.segmented_control(
            "Level",
            list(LEVELS),
            default="easy",
            required=True,
            format_func=lambda level: LEVELS[level][0],
            key="play_level",
        )
        players = st.segmented_control(
            "Players",
            list(_PLAYERS),
            default=1,
            required=True,
            format_func=lambda count: _PLAYERS[count],
            key="play_players",
        )
    level, players = level or "easy", players or 1
    unseen_rows(run, store)  # raises if there are no patches to play with
    origin = (
        "All are from cases that the model did not train on."
        if store.description.has_cases
        else "The model trained on none of them; the data set has no cases, so it may know similar "
        "ones."
    )
    st.caption(
        f"{LEVELS[level][0]}: {LEVELS[level][1]}. Three to seven of the ten patches are "
        f"{class_name(1, store.description)}. {origin}"
    )
    if st.button("Start", type="primary", icon=":material/play_arrow:", key="play_start"):
        start_round(run, store, level, players)
    return store


def start_round(run: Run, store: PatchStore, level: str, players: int) -> None:
    """Draw ten new patches and show the first."""
    seed = secrets.randbelow(SEED_COUNT)
    game_round = cached_round(run, store, level, seed)
    game = Game(level, seed, game_round.check, ("",) * players)
    st.session_state.setdefault(_OWN, {})[game.name] = game.guesses
    open_game(run, store, game)


def open_game(run: Run, store: PatchStore, game: Game) -> None:
    """Show a game at its first patch without a guess."""
    st.session_state[_SEEN] = (game.name, game.turn)
    st.query_params.from_dict({"run": run.id, "data": store.name, URL_PARAMETER: game.code()})
    st.rerun()


def linked_game() -> tuple[Game, Run, PatchStore, Round] | None:
    """The game in the URL; None if there is none.

    Raises:
        GameError: the link is damaged, or its patches have changed.
        RunError, DataError: its run or data set does not exist.
    """
    code = st.query_params.get(URL_PARAMETER)
    if code is None:
        return None
    game = parse_game(code)
    run = open_run(st.query_params.get("run", BUNDLED_RUN_ID))
    store = cached_store(st.query_params.get("data", run.config.data))
    game_round = cached_round(run, store, game.level, game.seed)
    if game_round.check != game.check:
        raise GameError(
            "The patches of this link have changed: the data set was packed again, or the run was "
            "trained further. Start a new round."
        )
    return game, run, store, game_round


def apply_browser_messages(game: Game) -> Game:
    """Apply the browser's messages to the game and update the URL."""
    guessed, advanced = browser_message("guessed"), browser_message("next")
    if guessed.get("game") == game.name and isinstance(guessed.get("turn"), int):
        was_own = is_own_round(game)
        game = game.with_guesses(guessed["turn"] - 1, str(guessed.get("guesses")))
        st.query_params[URL_PARAMETER] = game.code()
        if was_own:
            st.session_state[_OWN][game.name] = game.guesses
    if advanced.get("game") == game.name and advanced.get("turn") == game.turn:
        st.session_state[_SEEN] = (game.name, game.turn)
        st.query_params.pop("patch", None)
    return game


def turns_seen(game: Game) -> int:
    """Number of patches whose reveal was dismissed; all of them when a link is opened."""
    name, count = st.session_state.get(_SEEN, ("", 0))
    if name != game.name or count > game.turn:
        count = game.turn
        st.session_state[_SEEN] = (game.name, count)
    return int(count)


def is_own_round(game: Game) -> bool:
    """Whether this visitor started the round here and made all of its guesses.

    False for a URL that was edited or reached with the Back button: its guesses differ from those
    recorded in the session.
    """
    return st.session_state.get(_OWN, {}).get(game.name) == game.guesses


def play_turn(game: Game, run: Run, store: PatchStore, game_round: Round) -> None:
    """The patch to guess, or the patch just guessed with label, prediction and explanation."""
    reveal = turns_seen(game) < game.turn
    turn = game.turn - 1 if reveal else game.turn
    show_board(game, store, game_round, turn=turn, reveal=reveal)
    st.button(
        "Leave this round", type="tertiary", icon=":material/close:", on_click=guarded(leave_round)
    )
    if not reveal:
        return
    row, probability = int(game_round.rows[turn]), float(game_round.y_prob[turn])
    rgb = store.patches[row]
    around, why = st.columns([1, 2], gap="large")
    with around:
        st.subheader("Surroundings" if store.description.has_places else "The patch")
        opened = _opened(store, row)
        known = probability if opened == row else None
        patch_detail(store, opened, run=run, probability=known, scroll_into_view=False)
    with why, error_sentences():
        show_warnings(run, rgb)
        explanation(run, rgb, probability)


def leave_round() -> None:
    """Return to the choice of a round."""
    for name in (URL_PARAMETER, "patch"):
        st.query_params.pop(name, None)


@st.cache_data(max_entries=64, show_spinner="The CNN predicts some patches …")
def _round(key: tuple[str, ...], level: str, seed: int, _run: Run, _store: PatchStore) -> Round:
    return draw_round(_run, _store, level, seed)


def cached_round(run: Run, store: PatchStore, level: str, seed: int) -> Round:
    """`idc.game.rounds.draw_round`, cached for all reruns and visitors."""
    key = (run.id, str(run.best().get("sha256")), store.name, store.fingerprint)
    return _round(key, level, seed, run, store)


def _opened(store: PatchStore, row: int) -> int:
    """The row of the neighbour in the URL, else of the patch itself."""
    linked = linked_row(store)
    same_case = (
        linked is not None
        and store.description.has_places
        and store.cases[linked] == store.cases[row]
    )
    return linked if linked is not None and same_case else row


def _store_for(run: Run) -> PatchStore | None:
    return choose_store("Patches from") if run.bundled else cached_store(run.config.data)


def _best_opponent() -> str:
    """The default run: one that has cases outside its training part."""
    fair = [run for run in list_runs() if run.has_model() and run.config.protocol != "random"]
    own = [run.id for run in fair if not run.shipped()]
    if own:
        return own[0]
    real = any(_holds_real_tissue(name) for name in list_stores())
    return BUNDLED_RUN_ID if real else next((run.id for run in fair), BUNDLED_RUN_ID)


def _holds_real_tissue(name: str) -> bool:
    try:
        return not cached_store(name).report.generated
    except DataError:
        return False  # damaged; Home and Dataset say so
