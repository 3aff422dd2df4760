"""A table of all runs, the same for every visitor: states and best scores."""

import pandas as pd
import streamlit as st

from idc.runs.device_queue import queue_position
from idc.runs.run import Run, list_runs
from idc.settings.training_config import PRESETS
from idc.ui.shared.formatting import format_score, format_start_time
from idc.ui.shared.guard import error_sentences, guarded_fragment
from idc.ui.shared.pickers import select_in_picker
from idc.ui.train.run_actions import deleted_list

_REDRAW_EVERY_S = 3.0


def run_list(runs: list[Run]) -> None:
    """The table in a collapsed expander; a click on a row chooses the run."""
    with st.expander(f"All runs ({len(runs):,})", icon=":material/list:"):
        live = any(run.status().live for run in runs)
        guarded_fragment(_table, run_every=_REDRAW_EVERY_S if live else None, key="run_list")()
        deleted_list()


def _table() -> None:
    with error_sentences():
        runs = list_runs()
        shown = st.query_params.get("run", "")
        event = st.dataframe(
            pd.DataFrame([_row(run) for run in runs]),
            # Row numbers refer to this list, so the key changes with it and drops an old click.
            key=f"runs_{len(runs)}_{runs[0].id}_{shown}",
            on_select="rerun",
            selection_mode="single-row",
            hide_index=True,
            width="stretch",
            height=min(36 * (len(runs) + 1), 400),
        )
        clicked = [runs[number].id for number in event.selection.rows if number < len(runs)]
        if clicked and clicked[0] != shown:
            select_in_picker("run", clicked[0])
            st.rerun()


def _row(run: Run) -> dict[str, str]:
    status, best, notes = run.status(), run.best(), run.notes()
    state = status.state
    if state == "queued" and (number := queue_position(run.id)) is not None:
        state = f"queued, place {number}"
    return {
        "Run": run.title,
        "State": state,
        "Epochs": f"{status.epoch} of {status.epochs}",
        "Best ROC AUC": format_score(best.get("val_roc_auc")),
        "Preset": PRESETS[run.config.preset].title,
        "Data": run.config.data,
        "Started": format_start_time(run),
        "Notes": notes.notes.split("\n")[0][:80],
    }
