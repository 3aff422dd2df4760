"""What a visitor can ask of a run: pause, one epoch, resume, stop, continue, leave the queue."""

from collections.abc import Callable

import streamlit as st

from idc.launch.start import prepare_to_resume, send_request, start_trainer
from idc.networks.hardware import gpu_description
from idc.runs import control
from idc.runs.device_choice import is_cpu_only, set_cpu_only
from idc.runs.device_queue import queue_position
from idc.runs.lineage import read_lineage
from idc.runs.lock import is_locked
from idc.runs.run import Run, RunStatus, list_runs
from idc.ui.shared.formatting import error_sentences, escape_markdown

_PENDING = {
    control.STOP: "Stopping at the next step; what is finished is kept.",
    control.WITHDRAW: "Stopping at the next step; what is finished is kept.",
    control.PAUSE: "Pausing at the next step.",
}


def run_controls(run: Run, status: RunStatus) -> None:
    """The buttons that make sense where the run stands, with what goes with them."""
    if status.note:
        st.warning(escape_markdown(status.note), icon=":material/healing:")
    if origin := read_lineage(run):
        st.caption(escape_markdown(origin.sentence()))
    if status.state in ("starting", "queued"):
        _waiting(run, status)
    elif status.state == "running":
        _running(run)
    elif status.state == "paused":
        _paused(run)
    elif run.shipped():
        st.caption("Recorded: it came with IDC Lab, without what it takes to go on.")
    else:
        _ended(run, status)


def _waiting(run: Run, status: RunStatus) -> None:
    asked = control.read_request(run.folder)[0]
    if status.state == "queued" and (number := queue_position(run.id)) is not None:
        words = f"**Place {number}** in the queue: one run trains at a time."
        trains = [
            escape_markdown(other.title)
            for other in list_runs()
            if other.status().state == "running"
        ]
        if trains:
            words += f" Now: **{', '.join(trains)}**."
        st.info(words + " It starts by itself.", icon=":material/hourglass_top:")
    if asked == control.WITHDRAW:
        st.caption("Leaving the queue.")
        return
    if asked == control.STOP:
        st.caption("Stopping; in its turn the best weights answer for the held-out parts.")
    _button(run, control.WITHDRAW, "Withdraw", "logout", "Take it out of the queue again.")


def _running(run: Run) -> None:
    asked = control.read_request(run.folder)[0]
    if words := _PENDING.get(asked):
        st.caption(words)
        return
    with st.container(horizontal=True, gap="small"):
        _button(
            run,
            control.PAUSE,
            "Pause",
            "pause",
            "At the next step. Nothing is lost; the next run in the queue can train meanwhile.",
        )
        if asked == control.ONE_EPOCH:
            _button(run, control.RESUME, "Do not pause", "fast_forward", "Train on to the end.")
        else:
            _button(
                run,
                control.ONE_EPOCH,
                "Pause after the epoch",
                "skip_next",
                "Finish the epoch under way, then pause.",
            )
        _stop(run)
    if asked == control.ONE_EPOCH:
        st.caption("It pauses when this epoch is done.")


def _paused(run: Run) -> None:
    ready = is_locked(run.folder)
    if ready and control.read_request(run.folder)[0] == control.STOP:
        st.caption("Stopping; the best weights answer for the held-out parts first.")
        return
    with st.container(horizontal=True, gap="small"):
        _button(
            run,
            control.RESUME,
            "Resume",
            "play_arrow",
            "Goes on at the very step where it paused, to the very same end.",
            primary=True,
        )
        _button(
            run,
            control.ONE_EPOCH,
            "One epoch",
            "skip_next",
            "Train to the end of the next epoch, then pause again.",
        )
        _stop(run)
    st.caption(
        "The network is in memory and goes on at once, unless another run needs the device."
        if ready
        else "The device was freed meanwhile; the network is loaded again first."
    )


def _ended(run: Run, status: RunStatus) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        more = None
        if status.state == "finished" or status.epoch < status.epochs:
            finished = status.state == "finished"
            to_go = run.config.epochs if finished else status.epochs - status.epoch
            more = st.number_input(
                "Further epochs",
                1,
                10_000,
                to_go,
                key=f"more_{run.id}_{status.epoch}",
                width=160,
                help="Beyond the finished ones.",
            )
        on_cpu = is_cpu_only(run.folder)
        if gpu_description():
            on_cpu = st.toggle(
                "On the CPU",
                value=on_cpu,
                key=f"on_cpu_{run.id}",
                help="Slower, but it needs no memory of the GPU and waits for nobody who uses it.",
            )
        pressed = st.button(
            "Continue",
            icon=":material/resume:",
            key="continue",
            help="Goes on from its last checkpoint, when the device is free.",
        )
    if pressed:
        with error_sentences():
            set_cpu_only(run.folder, on_cpu)
            prepare_to_resume(run, more)
            start_trainer(run)
            st.rerun()


def _stop(run: Run) -> None:
    _button(
        run,
        control.STOP,
        "Stop",
        "stop",
        "Ends at the next step. The best weights are kept and scored; it can be continued.",
        key="stop",
    )


def _button(
    run: Run,
    request: str,
    label: str,
    icon: str,
    meaning: str,
    *,
    key: str = "",
    primary: bool = False,
) -> None:
    st.button(
        label,
        icon=f":material/{icon}:",
        key=key or f"ask_{request}",
        help=meaning,
        type="primary" if primary else "secondary",
        on_click=_request_callback(run, request),
    )


def _request_callback(run: Run, request: str) -> Callable[[], None]:
    def press() -> None:
        with error_sentences():
            send_request(run, request)

    return press
