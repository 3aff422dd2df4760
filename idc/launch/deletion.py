"""Delete and restore data sets and runs by name, unless a training uses them."""

from idc.datasets.store_trash import delete_store, deleted_stores, restore_store
from idc.errors import DataError, IdcError, RunError
from idc.files.home import data_dir, runs_dir
from idc.files.trash import DATA_TRASH, RUN_TRASH
from idc.launch.folds import list_folds
from idc.runs.lock import is_locked
from idc.runs.run import BUNDLED_RUN_ID, list_runs, open_run
from idc.runs.trash import delete_damaged_run, delete_run, deleted_runs, restore_run

KINDS = {"data": "data set", "run": "run"}


def delete_data_set(name: str) -> None:
    """Move a data set to the trash.

    Raises:
        DataError: there is none, a training uses it, it is being packed, or it cannot be moved.
    """
    if user := training_on(name):
        raise DataError(f"The data set '{name}' is in use by {user}; stop it first.")
    delete_store(name)


def delete_named(name: str, kind: str | None = None) -> str:
    """Delete a data set or a run.

    Args:
        kind: a key of `KINDS`; None if the name alone decides.

    Returns:
        "data" or "run".

    Raises:
        IdcError: there is neither or both, or it cannot be deleted now.
    """
    data = DATA_TRASH.name.fullmatch(name) is not None and (data_dir() / name).is_dir()
    run = name == BUNDLED_RUN_ID or (
        RUN_TRASH.name.fullmatch(name) is not None and (runs_dir() / name).is_dir()
    )
    kind = _decide(name, data=data, run=run, kind=kind, what="")
    if kind == "data":
        delete_data_set(name)
        return kind
    try:
        opened = open_run(name)
        opened.status()
    except RunError:
        delete_damaged_run(name)
    else:
        delete_run(opened)
    return kind


def restore_named(name: str, kind: str | None = None) -> str:
    """Restore the last deleted data set or run of that name; arguments as of `delete_named`."""
    kind = _decide(
        name, data=name in deleted_stores(), run=name in deleted_runs(), kind=kind, what="deleted "
    )
    if kind == "data":
        restore_store(name)
    else:
        restore_run(name)
    return kind


def training_on(name: str) -> str | None:
    """The training or fold job that uses a data set, for a sentence; None without one."""
    for run in list_runs():
        if run.config.data == name and (run.status().live or is_locked(run.folder)):
            return f"the training '{run.title}'"
    for job in list_folds():
        if job.live and _base_data(job.base_run) in (name, None):
            return f"the folds of '{job.base_run}'"
    return None


def _base_data(run_id: str) -> str | None:
    try:
        return open_run(run_id).config.data
    except RunError:
        return None


def _decide(name: str, *, data: bool, run: bool, kind: str | None, what: str) -> str:
    shown = name[:100]
    if kind is None and data and run:
        raise IdcError(
            f"'{shown}' is the name of a {what}data set and the id of a {what}run; add --data or "
            "--run."
        )
    kind = kind or ("data" if data else "run")
    if not (data if kind == "data" else run):
        both = "data set or run" if not (data or run) else KINDS[kind]
        raise IdcError(f"There is no {what}{both} '{shown}'.")
    return kind
