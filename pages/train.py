"""Train: set up a run, start it, and watch it learn."""

import streamlit as st

from idc.launch.active_training import active_training_name
from idc.runs.run import list_runs
from idc.ui.shared.guard import error_sentences
from idc.ui.shared.pickers import choose_run
from idc.ui.train.damaged_runs import damaged_runs
from idc.ui.train.live_run import show_run
from idc.ui.train.run_actions import deleted_list, run_actions, run_notes, undo_notice
from idc.ui.train.run_list import run_list
from idc.ui.train.setup import new_run, setup_expander

st.title("Train")

with error_sentences():
    busy = active_training_name()
    setup = setup_expander(first=not list_runs(), busy=busy is not None)
    if setup.open:
        with setup:
            new_run(busy)

with error_sentences():
    undo_notice()
    damaged_runs()
    if runs := list_runs():
        run_list(runs)
        left, right = st.columns([2, 3], vertical_alignment="bottom", gap="small")
        with left:
            run = choose_run()
        with right:
            run_actions(run)
        run_notes(run)
        show_run(run)
    else:
        deleted_list()
