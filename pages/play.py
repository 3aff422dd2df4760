"""You against the CNN: ten patches that the model has never seen; who is right more often?"""

import streamlit as st

from idc.errors import IdcError
from idc.ui.play.current_round import choose_round, leave, linked_game, listen, play, seen
from idc.ui.play.result import evening, show_result
from idc.ui.shared.formatting import error_sentences, plain

st.title("You against the CNN")

with error_sentences():
    try:
        linked = linked_game()
    except IdcError as error:
        st.error(plain(str(error)), icon=":material/error:")
        st.button("New round", type="primary", on_click=leave)
        st.stop()
    if linked is None:
        st.caption("Ten patches of tissue: which show cancer? For fun and teaching, not diagnosis.")
        choose_round()
        evening()
    else:
        game, run, store, drawn = linked
        game = listen(game)
        if game.over and seen(game) == game.turn:
            show_result(game, run, store, drawn)
            evening()
        else:
            play(game, run, store, drawn)
