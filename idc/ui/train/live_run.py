"""A run while it trains, and in its replay: the watched slide, its curves, where it stands.

At a laptop's 1280 x 800 px the slide, the truth and the curves lie above the fold.
"""

from typing import Any

import streamlit as st

from idc.runs.log import RunLog
from idc.runs.run import Run, RunStatus
from idc.runs.snapshot import Moment, moment_now
from idc.ui.components.confusion_matrix import confusion_matrix
from idc.ui.shared.formatting import describe, error_sentences, plain
from idc.ui.shared.links import run_leakage_link
from idc.ui.shared.report_table import report_table
from idc.ui.train.controls import run_controls
from idc.ui.train.live_chart import live_charts
from idc.ui.train.redraw_watchdog import keep_redrawing
from idc.ui.train.replay import is_playing, playback_of, replay_bar, replay_button, replayed
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


def watch(run: Run) -> None:
    """Draw the run, again every second while it may change by itself or its replay plays."""
    status = run.status()
    playing = not status.moving and is_playing(run)
    every = _REDRAW_EVERY_S if status.moving or playing else None
    st.fragment(_watch, run_every=every, key="watch")(run, status.state, playing)


def _watch(run: Run, state: str, was_playing: bool) -> None:
    with error_sentences():
        whole = moment_now(run)
        if whole.status.state != state:
            st.rerun()  # the whole page: what can be done with the run is another now
        playback = None if whole.status.moving else playback_of(run)
        moment = replayed(playback, whole, run.config.batch_size) if playback else whole
        if not whole.status.moving and is_playing(run) != was_playing:
            st.rerun()  # the whole page: redrawing begins or ends
        if playback is not None:
            replay_bar(playback)
        _draw(run, moment, whole, replay=playback is not None)
        if whole.status.moving:
            keep_redrawing("watch_pulse")


def _draw(run: Run, moment: Moment, whole: Moment, *, replay: bool) -> None:
    """The run at a moment, now or in its replay.

    Args:
        whole: the run as it is now, which decides what there is room for.
    """
    moving = moment.status.moving and not replay
    ended = not moment.status.moving and not replay
    st.markdown(describe(run, moment.status) + _best_epoch(moment.log) + _device(run))
    left, right = st.columns(2, vertical_alignment="center")
    with left:
        _progress(moment.status)
    with right:
        if moving:
            run_controls(run, moment.status)
        elif ended:
            replay_button(run, moment)
    store = store_of(run)
    if store is None or not (moving or whole.frames):
        live_charts(moment)
    else:
        slides, charts = st.columns(2, gap="small")
        with slides:
            watched_slide(
                run,
                moment,
                store,
                choosing="held-out" if moving else "seen" if ended else "nothing",
                first=whole.frames[0].case if whole.frames else None,
            )
        with charts:
            live_charts(moment)
    if ended:
        run_controls(run, moment.status)
    run_leakage_link(run.id)
    if store is not None:
        worst_now(moment, store)
    if moment.log.epochs and "val_confusion_matrix" in moment.log.epochs[-1]:
        _matrix_now(run, moment.log.epochs[-1])


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
    other = f", Keras on {plain(backend)}" if backend not in (None, "tensorflow") else ""
    return f", {plain(device)}{other}" if device else ""


def _progress(status: RunStatus) -> None:
    if status.state == "queued":
        return
    if not status.live:
        if status.state in ("failed", "interrupted"):
            st.warning(plain(status.reason), icon=":material/error:")
        elif status.reason:
            st.caption(plain(status.reason))
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
