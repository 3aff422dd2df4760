"""The controls of a run: pause, one epoch, resume, stop, continue and withdraw."""

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
from idc.ui.shared.formatting import escape_markdown
from idc.ui.shared.guard import error_sentences, guarded

_PENDING = {
    control.STOP: "Stopping at the next step. Finished epochs are kept.",
    control.WITHDRAW: "Stopping at the next step. Finished epochs are kept.",
    control.PAUSE: "Pausing at the next step.",
}


def run_controls(run: Run, status: RunStatus) -> None:
    """Show the buttons and notes that apply to the state of the run."""
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
        st.caption(
            "Recorded run, shipped with IDC Lab without a checkpoint: it cannot be continued."
        )
    else:
        _ended(run, status)


def _waiting(run: Run, status: RunStatus) -> None:
    request = control.read_request(run.folder)[0]
    if status.state == "queued" and (number := queue_position(run.id)) is not None:
        sentence = f"**Place {number}** in the queue: one run trains at a time."
        training = [
            escape_markdown(other.title)
            for other in list_runs()
            if other.status().state == "running"
        ]
        if training:
            sentence += f" Training now: **{', '.join(training)}**."
        st.info(sentence + " This run starts automatically.", icon=":material/hourglass_top:")
    if request == control.WITHDRAW:
        st.caption("Leaving the queue.")
        return
    if request == control.STOP:
        st.caption("Stopping. When its turn comes, the best weights score the held-out parts.")
    _button(run, control.WITHDRAW, "Withdraw", "logout", "Remove the run from the queue.")


def _running(run: Run) -> None:
    request = control.read_request(run.folder)[0]
    if pending := _PENDING.get(request):
        st.caption(pending)
        return
    with st.container(horizontal=True, gap="small"):
        _button(
            run,
            control.PAUSE,
            "Pause",
            "pause",
            "Pauses at the next step without losing progress. The next run in the queue can train.",
        )
        if request == control.ONE_EPOCH:
            _button(
                run,
                control.RESUME,
                "Do not pause",
                "fast_forward",
                "Train to the end without a pause.",
            )
        else:
            _button(
                run,
                control.ONE_EPOCH,
                "Pause after the epoch",
                "skip_next",
                "Finish the current epoch, then pause.",
            )
        _stop(run)
    if request == control.ONE_EPOCH:
        st.caption("The run pauses after this epoch.")


def _paused(run: Run) -> None:
    ready = is_locked(run.folder)
    if ready and control.read_request(run.folder)[0] == control.STOP:
        st.caption("Stopping. First, the best weights score the held-out parts.")
        return
    with st.container(horizontal=True, gap="small"):
        _button(
            run,
            control.RESUME,
            "Resume",
            "play_arrow",
            "Continues at the step where it paused. The result is the same as without a pause.",
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
        "The network is still in memory and can resume immediately, unless another run needs the "
        "device."
        if ready
        else "The device was released, so the network is loaded again before it resumes."
    )


def _ended(run: Run, status: RunStatus) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        further_epochs = None
        if status.state == "finished" or status.epoch < status.epochs:
            finished = status.state == "finished"
            remaining = run.config.epochs if finished else status.epochs - status.epoch
            further_epochs = st.number_input(
                "Further epochs",
                1,
                10_000,
                remaining,
                key=f"more_{run.id}_{status.epoch}",
                width=160,
                help="In addition to the finished epochs.",
            )
        on_cpu = is_cpu_only(run.folder)
        if gpu_description():
            on_cpu = st.toggle(
                "On the CPU",
                value=on_cpu,
                key=f"on_cpu_{run.id}",
                help="Slower, but needs no GPU memory and does not wait for other runs on the GPU.",
            )
        pressed = st.button(
            "Continue",
            icon=":material/resume:",
            key="continue",
            help="Continues from the last checkpoint as soon as the device is free.",
        )
    if pressed:
        with error_sentences():
            set_cpu_only(run.folder, on_cpu)
            prepare_to_resume(run, further_epochs)
            start_trainer(run)
            st.rerun()


def _stop(run: Run) -> None:
    _button(
        run,
        control.STOP,
        "Stop",
        "stop",
        "Ends at the next step. Keeps and scores the best weights; the run can be continued.",
        key="stop",
    )


def _button(
    run: Run,
    request: str,
    label: str,
    icon: str,
    help_text: str,
    *,
    key: str = "",
    primary: bool = False,
) -> None:
    st.button(
        label,
        icon=f":material/{icon}:",
        key=key or f"ask_{request}",
        help=help_text,
        type="primary" if primary else "secondary",
        on_click=guarded(_request_callback(run, request)),
    )


def _request_callback(run: Run, request: str) -> Callable[[], None]:
    def press() -> None:
        with error_sentences():
            send_request(run, request)

    return press
