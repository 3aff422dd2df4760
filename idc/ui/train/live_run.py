"""A run while it trains or in its replay: progress, watched slide and learning curves.

At 1280 x 800 px (a laptop) slide, ground truth and curves are visible without scrolling.
"""

from typing import Any

import streamlit as st

from idc.runs.log import RunLog
from idc.runs.run import Run, RunStatus
from idc.runs.snapshot import RunSnapshot, current_snapshot
from idc.ui.components.confusion_matrix import confusion_matrix
from idc.ui.shared.formatting import describe_run, escape_markdown, log_problems
from idc.ui.shared.guard import error_sentences, guarded_fragment
from idc.ui.shared.links import run_leakage_link
from idc.ui.shared.report_table import report_table
from idc.ui.train.controls import run_controls
from idc.ui.train.live_chart import live_charts
from idc.ui.train.redraw_watchdog import keep_redrawing
from idc.ui.train.replay import is_playing, playback_of, replay_bar, replay_button, replay_snapshot
from idc.ui.train.watched_slide import store_of, watched_slide, worst_now
from idc.wording import duration

_REDRAW_EVERY_S = 1.0
_PHASE_NAMES = {
    "": "Starting",
    "loading": "Loading TensorFlow and the patches",
    "training": "Training",
    "validating": "Scoring the validation part",
    "scoring": "Scoring the held-out parts with the best weights",
}


def show_run(run: Run) -> None:
    """Draw the run, every second while it may change or its replay plays."""
    status = run.status()
    playing = not status.may_change and is_playing(run)
    every = _REDRAW_EVERY_S if status.may_change or playing else None
    guarded_fragment(_watch, run_every=every, key="watch")(run, status.state, playing)


def _watch(run: Run, state: str, was_playing: bool) -> None:
    with error_sentences():
        current = current_snapshot(run)
        if current.status.state != state:
            st.rerun()  # the whole page: other controls apply now
        playback = None if current.status.may_change else playback_of(run)
        snapshot = replay_snapshot(playback, current, run) if playback else current
        if not current.status.may_change and is_playing(run) != was_playing:
            st.rerun()  # the whole page: starts or ends the periodic redraw
        if playback is not None:
            replay_bar(playback)
        log_problems(current.log, run.title)
        _draw(run, snapshot, current, replay=playback is not None)
        if current.status.may_change:
            keep_redrawing("watch_pulse")


def _draw(run: Run, snapshot: RunSnapshot, current: RunSnapshot, *, replay: bool) -> None:
    """Draw a state of the run, the current one or one of its replay.

    Args:
        snapshot: the state to draw.
        current: the current state, which decides on the layout.
        replay: whether `snapshot` belongs to a replay.
    """
    may_change = snapshot.status.may_change and not replay
    ended = not snapshot.status.may_change and not replay
    st.markdown(describe_run(run, snapshot.status) + _best_epoch(snapshot.log) + _device(run))
    left, right = st.columns(2, vertical_alignment="center")
    with left:
        _progress(snapshot.status)
    with right:
        if may_change:
            run_controls(run, snapshot.status)
        elif ended:
            replay_button(run, snapshot)
    store = store_of(run)
    has_slides = store is not None and store.description.has_places
    if store is not None and not has_slides:
        st.caption("No slide to watch: this data set has no places.")
    if store is None or not has_slides or not (may_change or current.frames):
        live_charts(snapshot)
    else:
        slides, charts = st.columns(2, gap="small")
        with slides:
            watched_slide(
                run,
                snapshot,
                store,
                choosing="held-out" if may_change else "seen" if ended else "nothing",
                first=current.frames[0].case if current.frames else None,
            )
        with charts:
            live_charts(snapshot)
    if ended:
        run_controls(run, snapshot.status)
    run_leakage_link(run.id)
    if store is not None:
        worst_now(snapshot, store)
    if snapshot.log.epochs and "val_confusion_matrix" in snapshot.log.epochs[-1]:
        _latest_confusion_matrix(run, snapshot.log.epochs[-1])


def _best_epoch(log: RunLog) -> str:
    best = log.best_epoch()
    return f", best epoch **{best['epoch']}**" if best else ""


def _latest_confusion_matrix(run: Run, epoch: dict[str, Any]) -> None:
    """Confusion matrix and classification report of the latest epoch on the validation part."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.markdown(f"**Confusion matrix after epoch {epoch['epoch']}** (validation part)")
        opened = confusion_matrix(
            epoch["val_confusion_matrix"],
            key="live_matrix",
            selected=None,
            class_names=run.description().class_names,
        )
        if opened is not None:
            st.page_link(
                "../../pages/evaluate.py",
                label="See the patches of the best epoch on Evaluate",
                icon=":material/target:",
                query_params={"run": run.id},
            )
    with right:
        st.markdown("**Classification report**")
        report_table(epoch["val_confusion_matrix"], run.description().class_names)


def _device(run: Run) -> str:
    environment = run.environment()
    device, backend = environment.get("device"), environment.get("backend")
    other = f", Keras on {escape_markdown(backend)}" if backend not in (None, "tensorflow") else ""
    return f", {escape_markdown(device)}{other}" if device else ""


def _progress(status: RunStatus) -> None:
    if status.state == "queued":
        return
    if not status.live:
        if status.state in ("failed", "interrupted"):
            st.warning(escape_markdown(status.reason), icon=":material/error:")
        elif status.reason:
            st.caption(escape_markdown(status.reason))
        return
    fraction = (status.epoch + status.step / max(status.steps, 1)) / status.epochs
    parts = [_PHASE_NAMES[status.phase]]
    if status.phase in ("training", "validating"):
        parts.append(f"epoch {min(status.epoch + 1, status.epochs)} of {status.epochs}")
    if status.patches_per_s and status.phase == "training":
        parts.append(f"{status.patches_per_s:,.0f} patches/s")
    if status.left_s is not None:
        parts.append(f"about {duration(status.left_s)} left")
    st.progress(min(fraction, 1.0), text=" · ".join(parts))  # one line: no layout shift
