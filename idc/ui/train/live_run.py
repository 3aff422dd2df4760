"""A run while it trains, and in its replay: the watched slide, its curves, where it stands.

At a laptop's 1280 x 800 px the slide, the truth and the curves lie above the fold.
"""

from typing import Any

import streamlit as st

from idc.runs.log import RunLog
from idc.runs.run import Run, RunStatus
from idc.runs.snapshot import RunSnapshot, current_snapshot
from idc.ui.components.confusion_matrix import confusion_matrix
from idc.ui.shared.formatting import describe_run, error_sentences, escape_markdown
from idc.ui.shared.links import run_leakage_link
from idc.ui.shared.report_table import report_table
from idc.ui.train.controls import run_controls
from idc.ui.train.live_chart import live_charts
from idc.ui.train.redraw_watchdog import keep_redrawing
from idc.ui.train.replay import is_playing, playback_of, replay_bar, replay_button, replay_moment
from idc.ui.train.watched_slide import store_of, watched_slide, worst_now
from idc.wording import duration

_REDRAW_EVERY_S = 1.0
_PHASE_WORDS = {
    "": "Starting",
    "loading": "Loading TensorFlow and the patches",
    "training": "Training",
    "validating": "Scoring the validation part",
    "scoring": "Scoring the held-out parts with the best weights",
}


def show_run(run: Run) -> None:
    """Draw the run, again every second while it may change by itself or its replay plays."""
    status = run.status()
    playing = not status.may_change and is_playing(run)
    every = _REDRAW_EVERY_S if status.may_change or playing else None
    st.fragment(_watch, run_every=every, key="watch")(run, status.state, playing)


def _watch(run: Run, state: str, was_playing: bool) -> None:
    with error_sentences():
        whole = current_snapshot(run)
        if whole.status.state != state:
            st.rerun()  # the whole page: what can be done with the run is another now
        playback = None if whole.status.may_change else playback_of(run)
        snapshot = replay_moment(playback, whole, run.config.batch_size) if playback else whole
        if not whole.status.may_change and is_playing(run) != was_playing:
            st.rerun()  # the whole page: redrawing begins or ends
        if playback is not None:
            replay_bar(playback)
        _draw(run, snapshot, whole, replay=playback is not None)
        if whole.status.may_change:
            keep_redrawing("watch_pulse")


def _draw(run: Run, snapshot: RunSnapshot, whole: RunSnapshot, *, replay: bool) -> None:
    """The run at a moment, now or in its replay.

    Args:
        whole: the run as it is now, which decides what there is room for.
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
    if store is None or not (may_change or whole.frames):
        live_charts(snapshot)
    else:
        slides, charts = st.columns(2, gap="small")
        with slides:
            watched_slide(
                run,
                snapshot,
                store,
                choosing="held-out" if may_change else "seen" if ended else "nothing",
                first=whole.frames[0].case if whole.frames else None,
            )
        with charts:
            live_charts(snapshot)
    if ended:
        run_controls(run, snapshot.status)
    run_leakage_link(run.id)
    if store is not None:
        worst_now(snapshot, store)
    if snapshot.log.epochs and "val_confusion_matrix" in snapshot.log.epochs[-1]:
        _matrix_now(run, snapshot.log.epochs[-1])


def _best_epoch(log: RunLog) -> str:
    best = log.best_epoch()
    return f", best epoch **{best['epoch']}**" if best else ""


def _matrix_now(run: Run, epoch: dict[str, Any]) -> None:
    """The latest epoch's confusion matrix and report on the validation part."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.markdown(f"**Confusion matrix after epoch {epoch['epoch']}** (validation part)")
        opened = confusion_matrix(epoch["val_confusion_matrix"], key="live_matrix", selected=None)
        if opened is not None:
            st.page_link(
                "../../pages/evaluate.py",
                label="See the patches behind the numbers of the best epoch",
                icon=":material/target:",
                query_params={"run": run.id},
            )
    with right:
        st.markdown("**Classification report**")
        report_table(epoch["val_confusion_matrix"])


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
    done = (status.epoch + status.step / max(status.steps, 1)) / status.epochs
    words = [_PHASE_WORDS[status.phase]]
    if status.phase in ("training", "validating"):
        words.append(f"epoch {min(status.epoch + 1, status.epochs)} of {status.epochs}")
    if status.patches_per_s and status.phase == "training":  # one line, so that nothing jumps
        words.append(f"{status.patches_per_s:,.0f} patches/s")
    if status.left_s is not None:
        words.append(f"about {duration(status.left_s)} left")
    st.progress(min(done, 1.0), text=" · ".join(words))
