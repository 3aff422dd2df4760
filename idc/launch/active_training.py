"""Finds the training that is live now."""

from idc.launch.folds import list_folds
from idc.runs.run import list_runs


def active_training_name() -> str | None:
    """Title of the live training or fold job; None without one."""
    live = next((job for job in list_folds() if job.live), None)
    if live is not None:
        return f"Folds of '{live.base_run}'"
    states = [(run, run.status()) for run in list_runs()]
    # A running training sorts before queued ones.
    busy = sorted((status.state != "running", run.title) for run, status in states if status.live)
    return busy[0][1] if busy else None
