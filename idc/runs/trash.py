"""Delete and restore runs, by way of the trash."""

from idc.errors import RunError
from idc.files.home import runs_dir
from idc.files.trash import RUN_TRASH
from idc.runs.lock import hold_lock
from idc.runs.run import BUNDLED_RUN_ID, Run


def delete_run(run: Run) -> None:
    """Move a run to the trash.

    Raises:
        RunError: it is live, a paused trainer still holds it, or it cannot be moved.
    """
    if run.bundled:
        raise RunError("The bundled model cannot be deleted.")
    if run.status().live:
        raise RunError(f"The run '{run.title}' is active; stop it before you delete it.")
    _delete(run.id)


def delete_damaged_run(run_id: str) -> None:
    """Move a run to the trash whose settings or status cannot be read.

    Raises:
        RunError: there is none, a trainer holds it, or it cannot be moved.
    """
    if run_id == BUNDLED_RUN_ID:
        raise RunError("The bundled model cannot be deleted.")
    _delete(run_id)


def restore_run(run_id: str) -> None:
    """Move a deleted run back.

    Raises:
        RunError: it is not in the trash, or cannot be moved.
    """
    RUN_TRASH.restore(run_id)


def deleted_runs() -> list[str]:
    """Ids of the runs in the trash, the last deleted first."""
    return RUN_TRASH.names()


def _delete(run_id: str) -> None:
    folder = runs_dir() / run_id
    if (folder / "trainer.lock").is_dir():  # damaged, so no trainer can hold it
        RUN_TRASH.delete(run_id)
        return
    # The lock prevents a resume at the same time.
    with hold_lock(folder):
        RUN_TRASH.delete(run_id)
