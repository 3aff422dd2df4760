"""A run while it trains: where it stands, its curves, what can be done with it."""

from typing import Any

import streamlit as st

from idc.console import duration
from idc.runs import Run, RunStatus
from idc.ui.confusion_matrix import confusion_matrix
from idc.ui.evaluate_tables import report_table
from idc.ui.leakage_parts import run_leakage_link
from idc.ui.live_chart import live_chart
from idc.ui.train_controls import run_controls
from idc.ui.words import describe, error_sentences, metric_row, plain, score

_REDRAW_EVERY_S = 1.0
_PHASE_WORDS = {
    "": "Starting",
    "loading": "Loading TensorFlow and the patches",
    "training": "Training",
    "validating": "Scoring the validation part",
    "scoring": "Scoring the held-out parts with the best weights",
}


def watch(run: Run) -> None:
    """Draw the run, again every second while a trainer works on it or may go on with it."""
    status = run.status()
    every = _REDRAW_EVERY_S if status.moving else None
    st.fragment(_watch, run_every=every, key="watch")(run, status.state)


def _watch(run: Run, state: str) -> None:
    with error_sentences():
        status, log = run.status(), run.log()
        if status.state != state:
            st.rerun()  # the whole page: what can be done with the run is another now
        st.markdown(describe(run, status))
        device = run.environment().get("device")
        _progress(run, status, device)
        run_controls(run, status)
        run_leakage_link(run.id)
        _scores(log.best_epoch(), log.epochs[-1] if log.epochs else None)
        steps = status.steps or (log.starts[-1]["steps"] if log.starts else 1)
        left, right = st.columns(2, gap="medium")
        for column, curve, title in (
            (left, "loss", "Loss (cross-entropy)"),
            (right, "accuracy", "Accuracy"),
        ):
            with column:
                st.markdown(f"**{title}**")
                live_chart(log, curve, steps=steps, epochs=status.epochs, key=f"chart_{curve}")
        if log.epochs and "val_confusion_matrix" in log.epochs[-1]:
            _matrix_now(run, log.epochs[-1])


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


def _progress(run: Run, status: RunStatus, device: str | None) -> None:
    if status.state == "queued":
        return
    if not status.live:
        if status.state in ("failed", "interrupted"):
            st.warning(plain(status.reason), icon=":material/error:")
        elif status.reason:
            st.caption(plain(status.reason) + (f" Device: {plain(device)}." if device else ""))
        return
    done = (status.epoch + status.step / max(status.steps, 1)) / status.epochs
    words = [_PHASE_WORDS[status.phase]]
    if status.phase in ("training", "validating"):
        words.append(f"epoch {min(status.epoch + 1, status.epochs)} of {status.epochs}")
    if status.patches_per_s:
        words.append(f"{status.patches_per_s:,.0f} patches/s")
    if status.left_s is not None:
        words.append(f"about {duration(status.left_s)} left")
    if device:
        words.append(plain(device))
    st.progress(min(done, 1.0), text=" · ".join(words))


def _scores(best: dict | None, latest: dict | None) -> None:
    latest, best = latest or {}, best or {}
    metric_row(
        [
            (
                "Validation loss",
                score(latest.get("val_loss")),
                "Cross-entropy on the validation part; lower is better.",
            ),
            ("Accuracy", score(latest.get("val_accuracy")), "Share of right answers."),
            (
                "Balanced accuracy",
                score(latest.get("val_balanced_accuracy")),
                "Mean of sensitivity and specificity; 0.5 is guessing.",
            ),
            (
                "ROC AUC",
                score(latest.get("val_roc_auc")),
                "How often a positive patch gets a higher probability than a negative one.",
            ),
            (
                "Best epoch",
                str(best.get("epoch", "–")),
                "The highest ROC AUC on the validation part; its weights are kept.",
            ),
        ]
    )
