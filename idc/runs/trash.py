"""Delete and restore runs: a deleted run's folder moves to ``trash/`` beside ``runs/``."""

from pathlib import Path

from idc.errors import RunError
from idc.files.home import home_dir, runs_dir
from idc.runs.lock import RUN_ID, hold_lock
from idc.runs.run import Run


def trash_dir() -> Path:
    """The folder of deleted runs, emptied by hand only; it may not exist yet."""
    return home_dir() / "trash"


def delete_run(run: Run) -> None:
    """Move a run to the trash.

    Raises:
        RunError: it is live, a paused trainer still holds it, or it cannot be moved.
    """
    if run.bundled:
        raise RunError("The bundled model cannot be deleted.")
    if run.status().live:
        raise RunError(f"The run '{run.title}' is active; stop it before you delete it.")
    # The lock prevents a resume at the same time.
    with hold_lock(run.folder):
        _move(run.folder, trash_dir() / run.id)


def restore_run(run_id: str) -> None:
    """Move a deleted run back.

    Raises:
        RunError: it is not in the trash, or cannot be moved.
    """
    if not RUN_ID.fullmatch(run_id) or not (trash_dir() / run_id).is_dir():
        raise RunError(f"There is no deleted run '{run_id[:100]}'.")
    _move(trash_dir() / run_id, runs_dir() / run_id)


def deleted_runs() -> list[str]:
    """Ids of the runs in the trash, the last deleted first."""
    try:
        folders = [path for path in trash_dir().iterdir() if RUN_ID.fullmatch(path.name)]
    except FileNotFoundError:
        return []
    return [path.name for path in sorted(folders, key=_moved_at, reverse=True)]


def _moved_at(path: Path) -> float:
    return path.stat().st_ctime  # a rename sets it


def _move(source: Path, target: Path) -> None:
    if target.exists():
        raise RunError(f"There is already a run '{target.name}'.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        source.rename(target)
    except OSError as error:
        raise RunError(
            f"The run '{source.name}' could not be moved ({error.strerror}); check the rights of "
            f"'{target.parent}'."
        ) from error
