"""The watched slide: predictions for one case over the training, beside the ground truth."""

from collections.abc import Callable

import numpy as np
import streamlit as st

from idc.datasets.place import find_row, parse_place
from idc.datasets.splits import Split
from idc.datasets.stitched_slide import lay_out_case
from idc.datasets.store import PatchStore
from idc.errors import DataError, RunError
from idc.runs.run import Run, check_same_data
from idc.runs.snapshot import RunSnapshot
from idc.runs.split import run_split
from idc.runs.watched_slide import Frame, default_case, held_out_cases, request_case, requested_case
from idc.ui.components.patch_grid import patch_grid
from idc.ui.components.patch_tiles import patch_tile
from idc.ui.components.slide_viewer.case_slide import cached_case_table, show_slide
from idc.ui.shared.formatting import class_name, escape_markdown
from idc.ui.shared.guard import error_sentences, guarded
from idc.ui.shared.pickers import cached_store
from idc.ui.train.time_slider import time_slider

_TILE_PX = 60


def choose_watched_case(store: PatchStore, split: Split) -> int | None:
    """Choose the case to watch on the form; None if every case has training patches."""
    cases = held_out_cases(store, split).tolist()
    default = default_case(store, split)
    if not store.description.has_places:
        st.caption("No slide to watch: this data set has no places.")
        return None
    if default is None:
        st.caption(
            "No slide to watch: with this split every case has training patches. Split by case to "
            "watch a slide that the network has never seen."
        )
        return None
    return st.selectbox(
        "Slide to watch",
        cases,
        index=cases.index(default),
        format_func=_titles(store).__getitem__,
        key=f"watch_first_{store.name}_{default}",
        help="A held-out case that is predicted repeatedly while the network learns. You can "
        "change it while the run trains.",
    )


def store_of(run: Run) -> PatchStore | None:
    """The run's data set; None, with a note why, if it is damaged, removed or packed again."""
    try:
        store = cached_store(run.config.data)
        check_same_data(run, store)
    except (DataError, RunError) as error:
        st.caption(f":material/error: No slide is shown. {escape_markdown(str(error))}")
        return None
    return store


def watched_slide(
    run: Run, snapshot: RunSnapshot, store: PatchStore, *, choosing: str, first: int | None = None
) -> None:
    """The predicted map beside the ground truth, and the time slider below them.

    Args:
        choosing: "held-out": the visitor can choose another held-out case for the trainer to watch;
            "seen": can choose among the cases watched so far; "nothing": shows the case watched at
            the snapshot's time.
        first: the case watched at the start of the run, shown before its first frame.
    """
    case = _choose(run, snapshot, store, choosing, first)
    if case is None:
        return
    frames = [frame for frame in snapshot.frames if frame.case == case]
    slide = lay_out_case(store, case)
    frames = [frame for frame in frames if len(frame.levels) == len(slide.rows)]
    timeline_id = f"{run.id}/{case}"
    no_values = np.full(len(slide.rows), np.nan, np.float32)
    left, right = st.columns(2, gap="small")
    with left, st.container(gap=None):
        st.markdown("**Network**: probability")
        show_slide(
            store,
            slide,
            {run.title: no_values},
            threshold=0.5,
            picked=None,
            key="watched_network",
            timeline_id=timeline_id,
            sync_group=timeline_id,
        )
    with right, st.container(gap=None):
        st.markdown("**Ground truth**: label")
        show_slide(
            store,
            slide,
            {},
            threshold=0.5,
            picked=None,
            key="watched_truth",
            sync_group=timeline_id,
            labels_layer=True,
        )
    with st.container(gap=None):
        time_slider(timeline_id, frames, steps=snapshot.steps, key="watched_time")
        negative, positive = (class_name(label, store.description) for label in (0, 1))
        st.caption(f"Violet: {negative}. Yellow: {positive}. Cyan: outline of the labels.")


def worst_now(snapshot: RunSnapshot, store: PatchStore) -> None:
    """The validation patches with the largest errors after the latest epoch."""
    if not snapshot.log.epochs or "val_worst" not in snapshot.log.epochs[-1]:
        return
    latest = snapshot.log.epochs[-1]
    worst = _find_rows(store, latest["val_worst"])
    st.markdown(f"**Largest errors after epoch {latest['epoch']}** (validation part)")
    if not worst:
        st.caption("All patches of the validation part are predicted correctly.")
        return
    rows = np.array([row for row, _ in worst])
    table = store.index.iloc[rows][["case", "x", "y", "label"]]
    table = table.assign(row=rows, probability=[probability for _, probability in worst])
    patch_grid(
        store.patches[rows],
        [patch_tile(entry) for entry in table.to_dict("records")],
        key="worst_now",
        label="Patches with the largest errors",
        tile_px=_TILE_PX,
    )


def _find_rows(store: PatchStore, worst: list[tuple[str, float]]) -> list[tuple[int, float]]:
    """(row, probability) of the patches that the log lists by place."""
    found = []
    for name, probability in worst:
        place = parse_place(name)
        row = find_row(store, place) if place else None
        if row is not None:
            found.append((row, probability))
    return found


def _choose(
    run: Run, snapshot: RunSnapshot, store: PatchStore, choosing: str, first: int | None
) -> int | None:
    watched = _watched_cases(snapshot.frames)
    if choosing == "nothing":
        case = watched[-1] if watched else first
        if case is not None:
            st.markdown(f"Case {escape_markdown(_titles(store)[case])}")
        return case
    if choosing == "seen":
        if not watched:
            return None
        return _picker(store, sorted(watched), watched[-1], key=f"seen_case_{run.id}")
    cases, default = _cases_to_watch(run.id, store.fingerprint, run, store)
    if default is None:
        return None
    requested = requested_case(run)
    current = requested if requested in cases else default
    return _picker(
        store, cases, current, key=f"watched_case_{run.id}", on_choice=_request_callback(run)
    )


def _request_callback(run: Run) -> Callable[[int], None]:
    def request(case: int) -> None:
        with error_sentences():
            request_case(run.folder, case)

    return request


def _picker(
    store: PatchStore,
    cases: list[int],
    current: int,
    *,
    key: str,
    on_choice: Callable[[int], None] | None = None,
) -> int:
    """A picker that shows ``current``, also after another visitor has changed it.

    Each value of ``current`` has its own widget. Setting the value of one widget would fail if the
    browser missed that script run: it would then show and choose the first case.
    """
    key = f"{key}_{current}"
    case = st.selectbox(
        "Watched slide",
        cases,
        cases.index(current),
        format_func=_titles(store).__getitem__,
        key=key,
        on_change=guarded(lambda: on_choice(st.session_state[key])) if on_choice else None,
        label_visibility="collapsed",
    )
    return current if case is None else int(case)


def _watched_cases(frames: list[Frame]) -> list[int]:
    """The distinct cases of some frames, the one watched last at the end."""
    return list(dict.fromkeys(frame.case for frame in reversed(frames)))[::-1]


def _titles(store: PatchStore) -> dict[int, str]:
    table, about = cached_case_table(store), store.description
    return {
        int(case): f"{about.case_name(case)} · {patches:,} patches, {positive / patches:.0%} "
        f"{about.target}"
        for case, patches, positive in zip(
            table["case"], table["patches"], table["positive"], strict=True
        )
    }


# Cached because recomputing the split takes a while for a large data set.
@st.cache_data(max_entries=64, show_spinner=False)
def _cases_to_watch(
    run_id: str, fingerprint: str, _run: Run, _store: PatchStore
) -> tuple[list[int], int | None]:
    split = run_split(_run, _store)
    return held_out_cases(_store, split).tolist(), default_case(_store, split)
