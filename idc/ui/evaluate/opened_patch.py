"""The open patch of Evaluate, shown beside the grid it was picked in and kept in the URL."""

import numpy as np
import pandas as pd
import streamlit as st

from idc.datasets.place import place_of
from idc.datasets.stitched_slide import lay_out_case
from idc.datasets.store import PatchStore
from idc.evaluation.results import Results
from idc.runs.run import Run
from idc.ui.components.patch_detail import patch_detail
from idc.ui.components.patch_grid import patch_grid
from idc.ui.components.patch_tiles import patch_tile
from idc.ui.components.slide_viewer.case_slide import show_slide
from idc.ui.shared import address
from idc.ui.shared.pickers import linked_row

_PARAMETER = "patch"
_OPENED_IN = "evaluate_opened_in"  # the key of the grid
_TILE_PX = 80  # minimum; six tiles fit beside the open patch on a laptop


def scored_grid(
    run: Run,
    results: Results,
    table: pd.DataFrame,
    *,
    key: str,
    label: str,
    errors_of: str | None = None,
) -> None:
    """Show a grid of scored patches; the picked one opens beside it with its neighbours.

    Args:
        results: with a store.
        table: from `idc.evaluation.patch_selection.select_patches`.
        label: what the grid shows, for screen readers.
        errors_of: `idc.ui.evaluate.browser_predictions.predictions_id`; the grid then shows only
            the patches that are wrong at its threshold.
    """
    store = results.store
    if store is None:
        raise ValueError("results must have a store. Received: none")
    left, right = st.columns([5, 3], gap="medium")
    row = _opened_row(results) if address.latest(_OPENED_IN) == key else None
    with left:
        picked = patch_grid(
            store.patches[table["row"].to_numpy()],
            [patch_tile(entry, store.description) for entry in table.to_dict("records")],
            key=key,
            label=label,
            tile_px=_TILE_PX,
            marks_opened=True,
            opened=row,
            errors_of=errors_of,
            y_prob=table["probability"].tolist() if errors_of else (),
        )
    if picked is not None:
        row = picked
        _open(store, picked, key)
    with right:
        if row is None:
            where = " and see its place on the slide" if store.description.has_places else ""
            st.caption(f"Choose a patch to enlarge it{where}.")
        else:
            _show(run, results, row)


def scored_slide(run: Run, results: Results, case: int, *, key: str, predictions_id: str) -> None:
    """Show a case as a slide that marks each scored patch right or wrong at the threshold.

    Args:
        results: with a store.
        predictions_id: `idc.ui.evaluate.browser_predictions.predictions_id`.
    """
    store = results.store
    if store is None:
        raise ValueError("results must have a store. Received: none")
    if not store.description.has_places:
        st.caption("The data set does not tell where its patches lie, so there is no slide.")
        return
    slide = lay_out_case(store, case)
    row = _opened_row(results) if address.latest(_OPENED_IN) == key else None
    left, right = st.columns([5, 3], gap="medium")
    with left:
        values = {run.title: _probabilities(results, slide.rows)}
        picked = show_slide(
            store,
            slide,
            values,
            threshold=results.threshold,
            picked=row,
            key=key,
            predictions_id=predictions_id,
        )
    if picked is not None and picked != row:
        row = picked
        _open(store, picked, key)
    with right:
        if row is None:
            st.caption("Choose a patch of the slide to enlarge it.")
        else:
            _show(run, results, row)


def linked_patch(run: Run, results: Results) -> None:
    """Show the patch that the URL named when the visit started."""
    if address.latest(_OPENED_IN) is not None or (row := _opened_row(results)) is None:
        return
    st.subheader("Linked patch")
    _show(run, results, row)


def _opened_row(results: Results) -> int | None:
    return None if results.store is None else linked_row(results.store)


def _open(store: PatchStore, row: int, key: str) -> None:
    shown_elsewhere = _PARAMETER in st.query_params and address.latest(_OPENED_IN) != key
    st.query_params[_PARAMETER] = str(place_of(store, row))
    address.remember(_OPENED_IN, key)
    if shown_elsewhere:
        st.rerun()  # only one patch is open on a page, so the other grid must close its patch first


def _show(run: Run, results: Results, row: int) -> None:
    if results.store is not None:
        probability = float(_probabilities(results, np.array([row]))[0])
        patch_detail(results.store, row, run=run, probability=probability)


def _probabilities(results: Results, rows: np.ndarray) -> np.ndarray:
    """The probability of some rows of the store, float32, shape (n,); nan where not scored."""
    order = np.argsort(results.rows)
    nearest = order[np.searchsorted(results.rows, rows, sorter=order).clip(max=len(order) - 1)]
    return np.where(results.rows[nearest] == rows, results.y_prob[nearest], np.float32(np.nan))
