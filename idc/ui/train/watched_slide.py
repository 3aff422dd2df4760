"""The watched slide: what the network says about a case, next to the truth, through time."""

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
from idc.ui.shared.formatting import error_sentences
from idc.ui.shared.pickers import cached_store
from idc.ui.train.time_slider import time_slider

_TILE_PX = 60


def choose_watched_case(store: PatchStore, split: Split) -> int | None:
    """For the form: the case to watch from the first step on; None when every case trains."""
    cases = held_out_cases(store, split).tolist()
    default = default_case(store, split)
    if default is None:
        st.caption(
            "No slide to watch: with this split patches of every case train. Split by case to "
            "watch one that the network has never seen."
        )
        return None
    return st.selectbox(
        "Slide to watch",
        cases,
        index=cases.index(default),
        format_func=_titles(store).__getitem__,
        key=f"watch_first_{store.name}_{default}",
        help="A held-out case that is answered again and again while the network learns. It can "
        "be changed while the run trains.",
    )


def store_of(run: Run) -> PatchStore | None:
    """The run's data set; None when it is gone or was packed anew."""
    try:
        store = cached_store(run.config.data)
        check_same_data(run, store)
    except (DataError, RunError):
        return None
    return store


def watched_slide(
    run: Run, snapshot: RunSnapshot, store: PatchStore, *, choosing: str, first: int | None = None
) -> None:
    """The network's map beside the truth, and the slider through time below them.

    Args:
        choosing: "held-out": the visitor may turn the trainer to another case; "seen": may look at
            all cases that were watched; "nothing": what was watched at the moment.
        first: the case that the run began to watch, shown before its first frame.
    """
    case = _choose(run, snapshot, store, choosing, first)
    if case is None:
        return
    frames = [frame for frame in snapshot.frames if frame.case == case]
    slide = lay_out_case(store, case)
    frames = [frame for frame in frames if len(frame.levels) == len(slide.rows)]
    timeline_id = f"{run.id}/{case}"
    nothing_yet = np.full(len(slide.rows), np.nan, np.float32)
    left, right = st.columns(2, gap="small")
    with left, st.container(gap=None):
        st.markdown("**Network**: probability")
        show_slide(
            store,
            slide,
            {run.title: nothing_yet},
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
        st.caption("Violet: IDC-negative, yellow: IDC-positive. Cyan: outline of the labels.")


def worst_now(snapshot: RunSnapshot, store: PatchStore) -> None:
    """The strip of the patches that the network gets most wrong now."""
    if not snapshot.log.epochs or "val_worst" not in snapshot.log.epochs[-1]:
        return
    latest = snapshot.log.epochs[-1]
    worst = _find_rows(store, latest["val_worst"])
    st.markdown(f"**Most wrong after epoch {latest['epoch']}** (validation part)")
    if not worst:
        st.caption("No patch of the validation part is wrong.")
        return
    rows = np.array([row for row, _ in worst])
    table = store.index.iloc[rows][["case", "x", "y", "label"]]
    table = table.assign(row=rows, probability=[probability for _, probability in worst])
    patch_grid(
        store.patches[rows],
        [patch_tile(entry) for entry in table.to_dict("records")],
        key="worst_now",
        label="Patches that the network gets most wrong now",
        tile_px=_TILE_PX,
    )


def _find_rows(store: PatchStore, worst: list[tuple[str, float]]) -> list[tuple[int, float]]:
    """(row, probability) of the patches that the log names by their places."""
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
    seen = _cases_seen(snapshot.frames)
    if choosing == "nothing":
        case = seen[-1] if seen else first
        if case is not None:
            st.markdown(f"Case {_titles(store)[case]}")
        return case
    if choosing == "seen":
        if not seen:
            return None
        return _picker(store, sorted(seen), seen[-1], key=f"seen_case_{run.id}")
    cases, default = _cases_to_watch(run.id, store.fingerprint, run, store)
    if default is None:
        return None
    asked = requested_case(run)
    watched = asked if asked in cases else default
    return _picker(
        store, cases, watched, key=f"watched_case_{run.id}", on_choice=_request_callback(run)
    )


def _request_callback(run: Run) -> Callable[[int], None]:
    def ask(case: int) -> None:
        with error_sentences():
            request_case(run.folder, case)

    return ask


def _picker(
    store: PatchStore,
    cases: list[int],
    now: int,
    *,
    key: str,
    on_choice: Callable[[int], None] | None = None,
) -> int:
    """A picker that follows ``now`` when somebody else changes it: it is another one then.

    If its value were set instead, a browser that misses the answer in which it is set would show,
    and choose, the first case.
    """
    key = f"{key}_{now}"
    case = st.selectbox(
        "Watched slide",
        cases,
        cases.index(now),
        format_func=_titles(store).__getitem__,
        key=key,
        on_change=(lambda: on_choice(st.session_state[key])) if on_choice else None,
        label_visibility="collapsed",
    )
    return now if case is None else int(case)


def _cases_seen(frames: list[Frame]) -> list[int]:
    """The cases of some frames, each once, the one watched last at the end."""
    return list(dict.fromkeys(frame.case for frame in reversed(frames)))[::-1]


def _titles(store: PatchStore) -> dict[int, str]:
    table = cached_case_table(store)
    return {
        int(case): f"{case} · {patches:,} patches, {positive / patches:.0%} IDC"
        for case, patches, positive in zip(
            table["case"], table["patches"], table["positive"], strict=True
        )
    }


# The split is made again from the settings, which takes a while for a large data set.
@st.cache_data(max_entries=64, show_spinner=False)
def _cases_to_watch(
    run_id: str, fingerprint: str, _run: Run, _store: PatchStore
) -> tuple[list[int], int | None]:
    split = run_split(_run, _store)
    return held_out_cases(_store, split).tolist(), default_case(_store, split)
