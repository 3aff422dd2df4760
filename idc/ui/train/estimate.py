"""The estimate of training time and memory on the form."""

import streamlit as st

from idc.datasets.description import DataDescription
from idc.datasets.splits import Split
from idc.launch.active_training import active_training_name
from idc.launch.benchmark_jobs import benchmark_job, start_benchmark
from idc.launch.estimates import estimate
from idc.launch.standby import ensure_standby
from idc.launch.training_speed import SpeedKey, load_speed, run_speed, speed_key
from idc.runs.run import list_runs
from idc.settings.training_config import TrainingConfig
from idc.ui.shared.formatting import escape_markdown
from idc.ui.shared.guard import guarded_fragment
from idc.wording import duration, format_bytes

_REDRAW_EVERY_S = 1.0


def estimate_line(
    config: TrainingConfig, split: Split, description: DataDescription, busy: bool
) -> None:
    """Show the estimate. If the speed is unknown, measure it in the background first.

    Args:
        busy: whether a run is training; measuring would disturb it and be inaccurate.
    """
    key = speed_key(config, description.side_px)
    waiting = load_speed(key) is None and not busy and not _failed(key)
    if not busy:
        ensure_standby()  # preloads Keras, so that a start from this form does not wait for it
    run_every = _REDRAW_EVERY_S if waiting else None
    show = guarded_fragment(_estimate, run_every=run_every, key="estimate")
    show(config, split, description, busy, waiting)


def _estimate(
    config: TrainingConfig,
    split: Split,
    description: DataDescription,
    busy: bool,
    waiting: bool,
) -> None:
    key = speed_key(config, description.side_px)
    speed = load_speed(key)
    if speed is None:
        if busy or active_training_name():  # a training may have started since the page was drawn
            st.caption("Time and memory: unknown while another run trains.")
        elif _failed(key):
            job = benchmark_job(key)
            st.caption(f"Time and memory: unknown. {escape_markdown(job.problem) if job else ''}")
            if waiting:
                st.rerun()
        else:
            start_benchmark(key)
            st.caption(":material/timer: Measuring this device's training speed; takes about 15 s.")
        return
    if waiting:
        st.rerun()  # the whole page: ends the periodic redraw
    measured = run_speed(config, description.side_px, speed.device, list_runs())
    needs = estimate(config, split, description.patch_bytes, speed, measured)
    bound = "at most " if config.early_stopping else "about "
    sentence = f"Takes {bound}**{duration(needs.seconds)}** on {escape_markdown(speed.device)}"
    if needs.memory_bytes is not None:
        sentence += f" and about **{format_bytes(needs.memory_bytes)}** of memory"
    if needs.gpu_bytes is not None:
        sentence += f", on the GPU {format_bytes(needs.gpu_bytes)}"
    st.markdown(f":material/timer: {sentence}.")
    st.caption(
        f"{needs.source} In addition, the operating system may cache up to "
        f"{format_bytes(needs.cache_bytes)} of patches and frees that memory when it is needed."
    )


def _failed(key: SpeedKey) -> bool:
    job = benchmark_job(key)
    return job is not None and job.state == "failed"
