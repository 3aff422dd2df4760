"""You against the CNN: visitor and model classify the same ten unseen patches."""

import streamlit as st

from idc.errors import IdcError
from idc.ui.play.current_round import (
    apply_browser_messages,
    choose_round,
    leave_round,
    linked_game,
    play_turn,
    turns_seen,
)
from idc.ui.play.result import scoreboard_section, show_result
from idc.ui.shared.formatting import class_name, escape_markdown
from idc.ui.shared.guard import error_sentences, guarded

QUESTION = "Which of ten tissue patches show cancer? For teaching, not for diagnosis."

st.title("You against the CNN")

with error_sentences():
    try:
        linked = linked_game()
    except IdcError as error:
        st.error(escape_markdown(str(error)), icon=":material/error:")
        st.button("New round", type="primary", on_click=guarded(leave_round))
        st.stop()
    if linked is None:
        question = st.empty()
        question.caption(QUESTION)
        store = choose_round()
        if store is not None and not store.description.is_idc_set:
            name = class_name(1, store.description)
            question.caption(f"Which of ten patches are {name}? For teaching, not for diagnosis.")
        scoreboard_section(None if store is None else store.name)
    else:
        game, run, store, game_round = linked
        game = apply_browser_messages(game)
        if game.is_over and turns_seen(game) == game.turn:
            show_result(game, run, store, game_round)
            scoreboard_section(store.name)
        else:
            play_turn(game, run, store, game_round)
