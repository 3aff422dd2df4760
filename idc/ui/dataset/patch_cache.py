"""Caches for browsing patches: columns, orders and matches, shared by all visitors.

The cache keys contain the store's fingerprint and the run's predictions, so a new packing or a
further epoch never uses outdated entries. With warm caches a page costs only the patches on it.
"""

from dataclasses import dataclass

import numpy as np
import streamlit as st

from idc.datasets.measurements import has_measurements, saved_measurements
from idc.datasets.patch_filter import (
    PatchColumns,
    PatchFilters,
    full_sort_order,
    matching_rows,
    patch_columns,
    sort_rows,
)
from idc.datasets.patch_filter_url import DatasetView
from idc.datasets.store import PatchStore
from idc.errors import RunError
from idc.runs.run import Run, check_same_data, list_runs
from idc.runs.split import run_split


@dataclass(frozen=True)
class CachedPatchColumns:
    """The columns of a store with the split and predictions of one run.

    Attributes:
        key: identifies the columns in the caches.
    """

    key: str
    columns: PatchColumns

    def matches(self, view: DatasetView) -> np.ndarray:
        """int32 row numbers that pass the view's filters, in its order."""
        return _matches(self.key, self, view.filters, view.sort, view.is_descending)

    def order(self, sort: str, descending: bool) -> np.ndarray | None:
        """All rows sorted; None for the store's own order."""
        return None if sort == "case" else _order(self.key, self, sort, descending)


def runs_on(store: PatchStore) -> list[Run]:
    """The runs that trained on a store: runs with predictions first, then newest first.

    Runs on an earlier packing are left out, because their row numbers do not apply.
    """
    runs = [
        run for run in list_runs() if run.config.data == store.name and _is_same_data(run, store)
    ]
    return sorted(runs, key=lambda run: not run.has_predictions())


def _is_same_data(run: Run, store: PatchStore) -> bool:
    try:
        check_same_data(run, store)
    except RunError:
        return False
    return True


def patch_source(store: PatchStore, run: Run | None) -> CachedPatchColumns:
    """The columns of a store, with the split and predictions of one of its `runs_on`."""
    measured = has_measurements(store)
    key = f"{store.fingerprint} {measured} {_predictions_stamp(run)}"
    return CachedPatchColumns(key, _columns(key, store, run))


def _predictions_stamp(run: Run | None) -> str:
    if run is None:
        return ""
    return f"{run.id} {run.predictions_modified_ns()}"


@st.cache_resource(show_spinner=False, max_entries=6)
def _columns(key: str, _store: PatchStore, _run: Run | None) -> PatchColumns:
    split = answers = None
    threshold = 0.5
    if _run is not None:
        threshold = _run.calibration().threshold
        split = run_split(_run, _store)
        if _run.has_predictions():
            table = _run.predictions()
            answers = (table["row"].to_numpy(), table["probability"].to_numpy())
    return patch_columns(
        _store,
        split=split,
        answers=answers,
        measured=saved_measurements(_store),
        threshold=threshold,
    )


@st.cache_resource(show_spinner=False, max_entries=16)
def _order(key: str, _source: CachedPatchColumns, sort: str, descending: bool) -> np.ndarray:
    return full_sort_order(_source.columns, sort, descending)


@st.cache_resource(show_spinner=False, max_entries=32)
def _matches(
    key: str, _source: CachedPatchColumns, filters: PatchFilters, sort: str, descending: bool
) -> np.ndarray:
    rows = matching_rows(_source.columns, filters)
    return sort_rows(_source.columns, rows, sort, descending, _source.order(sort, descending))
