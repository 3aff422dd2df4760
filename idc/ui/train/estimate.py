"""How long a training would take here, and how much memory: told on the form."""

import streamlit as st

from idc.datasets.splits import Split
from idc.launch.active_training import active_training_name
from idc.launch.benchmark_jobs import benchmark_job, start_benchmark
from idc.launch.estimates import estimate
from idc.launch.standby import ensure_standby
from idc.launch.training_speed import load_speed, run_speed, speed_key
from idc.runs.run import list_runs
from idc.settings.training_config import TrainingConfig
from idc.ui.shared.formatting import escape_markdown
from idc.wording import duration

_REDRAW_EVERY_S = 1.0


def estimate_line(config: TrainingConfig, split: Split, busy: bool) -> None:
    """Tell the estimate; where nothing is known yet, measure beside the page and tell then.

    Args:
        busy: something trains now, so that measuring would disturb it, and be wrong.
    """
    key = speed_key(config)
    waiting = load_speed(key) is None and not busy and not _failed(config)
    if not busy:
        ensure_standby()  # whoever sees the form may press Start, and then not wait for Keras
    run_every = _REDRAW_EVERY_S if waiting else None
    st.fragment(_estimate, run_every=run_every, key="estimate")(config, split, busy, waiting)


def _estimate(config: TrainingConfig, split: Split, busy: bool, waiting: bool) -> None:
    key = speed_key(config)
    speed = load_speed(key)
    if speed is None:
        if busy or active_training_name():  # a training may have begun since the page was drawn
            st.caption("Time and memory: unknown while something else trains.")
        elif _failed(config):
            job = benchmark_job(key)
            st.caption(f"Time and memory: unknown. {escape_markdown(job.problem) if job else ''}")
            if waiting:
                st.rerun()
        else:
            start_benchmark(key)
            st.caption(
                ":material/timer: Measuring how fast this device trains; it takes about 15 seconds."
            )
        return
    if waiting:
        st.rerun()  # the whole page: redrawing ends
    told = estimate(config, split, speed, run_speed(config, speed.device, list_runs()))
    sooner = "at most " if config.early_stopping else "about "
    words = f"It takes {sooner}**{duration(told.seconds)}** on {escape_markdown(speed.device)}"
    if told.memory_bytes is not None:
        words += f" and about **{_size(told.memory_bytes)}** of memory"
    if told.gpu_bytes is not None:
        words += f", on the GPU {_size(told.gpu_bytes)}"
    st.markdown(f":material/timer: {words}.")
    st.caption(
        f"{told.source} Besides, the system may keep up to {_size(told.cache_bytes)} of patches "
        "in memory, and gives them back when something else needs it."
    )


def _failed(config: TrainingConfig) -> bool:
    job = benchmark_job(speed_key(config))
    return job is not None and job.state == "failed"


def _size(count: int) -> str:
    """ "740 MB", "1.4 GB"."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{max(1, round(count / 1e6))} MB"
