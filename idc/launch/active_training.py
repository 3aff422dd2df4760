"""Whether something trains now."""

from idc.launch.folds import list_folds
from idc.runs.run import list_runs


def active_training_name() -> str | None:
    """What trains or waits now, as people call it; None when nothing does."""
    live = next((job for job in list_folds() if job.live), None)
    if live is not None:
        return f"Folds of '{live.base_run}'"
    states = [(run, run.status()) for run in list_runs()]
    # Whoever trains comes before those who wait for it.
    busy = sorted((status.state != "running", run.title) for run, status in states if status.live)
    return busy[0][1] if busy else None
