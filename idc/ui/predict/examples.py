"""Choose a patch of a data set to predict: a linked one or a held-out example."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from idc.datasets.description import DataDescription
from idc.datasets.place import place_of
from idc.datasets.sampling import alternating_sample
from idc.datasets.store import PatchStore
from idc.errors import IdcError
from idc.prediction.case_predictions import trained_on_case
from idc.runs.run import Run, check_same_data
from idc.runs.split import held_out_rows, run_split
from idc.ui.components.patch_grid import PatchTile, patch_grid
from idc.ui.predict.patch import ChosenPatch
from idc.ui.shared.formatting import generated_note
from idc.ui.shared.guard import guarded
from idc.ui.shared.pickers import cached_store, choose_store, linked_row

_TRAINED_ON = "The run trained on this patch, so its answer says little about unseen tissue."
_TRAINED_ON_CASE = (
    "The run trained on patches of this case, so its answer says little about unseen tissue."
)
_MAY_HAVE_TRAINED = "The run may have trained on this case: its data set was removed or changed."


def choose_example(run: Run) -> ChosenPatch | None:
    """The linked patch if the URL names one, else a choice of held-out patches."""
    return _linked(run) if "patch" in st.query_params else _example(run)


def _linked(run: Run) -> ChosenPatch | None:
    """The patch and data set in the URL."""
    st.button(  # first, so that it is drawn even if the linked patch does not exist
        "Pick another example",
        icon=":material/grid_view:",
        type="tertiary",
        key="unlink",
        on_click=guarded(_unlink),
    )
    store = cached_store(st.query_params.get("data", run.config.data))
    row = linked_row(store)
    if row is None:
        raise IdcError(
            f"The data set '{store.name}' has no patch '{st.query_params['patch'][:40]}'. "
            "Pick another example."
        )
    place = place_of(store, row)
    title = f"{_title(store, place.case, place.x, place.y)} of {store.name}"
    notes = tuple(note for note in (_training_note(run, store, row), generated_note(store)) if note)
    return ChosenPatch(np.array(store.patches[row]), title, notes, int(store.labels[row]))


def _unlink() -> None:
    st.query_params.pop("patch", None)


def _training_note(run: Run, store: PatchStore, row: int) -> str:
    """A note if the run trained on this patch or, in another data set, on its case; else ""."""
    if run.bundled or store.name != run.config.data:
        trained = trained_on_case(run, int(store.cases[row]))
        return _MAY_HAVE_TRAINED if trained is None else _TRAINED_ON_CASE if trained else ""
    check_same_data(run, store)
    train = run_split(run, store).train
    position = int(np.searchsorted(train, row))
    return _TRAINED_ON if position < len(train) and int(train[position]) == row else ""


def _example(run: Run) -> ChosenPatch | None:
    store = choose_store("Examples from") if run.bundled else cached_store(run.config.data)
    if store is None:
        return None
    rows = held_out_rows(run, store)
    if not len(rows):
        st.info("The model trained on all cases of this data set. Upload a patch instead.")
        return None
    table = alternating_sample(store.index.iloc[rows], 9, seed=0)
    table = table.assign(row=rows[table["row"].to_numpy()])
    st.caption(
        "Held-out patches: the model did not train on them. Choose one. " + generated_note(store)
    )
    picked = patch_grid(
        store.patches[table["row"].to_numpy()],
        [_example_tile(entry, store.description) for entry in table.to_dict("records")],
        key="examples",
        tile_px=72,
        label="Held-out example patches",
    )
    if picked is None:
        return None
    entry = store.index.iloc[picked]
    title = _title(store, entry.case, entry.x, entry.y)
    return ChosenPatch(np.array(store.patches[picked]), title, label=int(entry.label))


def _title(store: PatchStore, case: int, x: int, y: int) -> str:
    """The place of a patch, with a capital letter."""
    title = store.description.patch_title(case, x, y)
    return title[:1].upper() + title[1:]


def _example_tile(entry: Mapping[Any, Any], about: DataDescription) -> PatchTile:
    """A tile without the label, so that the visitor can guess first."""
    details = about.patch_title(entry["case"], entry["x"], entry["y"])
    caption = f"case {about.case_name(entry['case'])}" if about.has_cases else f"patch {entry['x']}"
    return PatchTile(int(entry["row"]), None, caption, details)
