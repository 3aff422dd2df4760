"""The process that writes a run's damaged files again, from its best weights and last checkpoint.

``python -m idc.training.recompute_worker RUN``. Predictions and calibration follow from the
weights, finished epochs of the log from the checkpoint's history. `idc.launch.recompute` starts it.
"""

import dataclasses
import sys

from idc.datasets.store import PatchStore, open_store
from idc.errors import IdcError, RunError, write_errors_as_run_error
from idc.metrics.calibration import fit_calibration
from idc.processes.console import print_error
from idc.runs.checkpoint_files import list_checkpoints, read_checkpoint
from idc.runs.checksums import has_file, write_checked_json
from idc.runs.lock import hold_lock
from idc.runs.log import repair_log
from idc.runs.run import CALIBRATION_FILE, Run, check_same_data, open_run
from idc.runs.split import run_split
from idc.training.observers.outputs import predict_held_out


def main(run_id: str) -> int:
    """Recompute one run's files. Returns 0, or 2 after an error."""
    try:
        recompute_files(open_run(run_id))
    except IdcError as error:
        return print_error(error)
    return 0


def recompute_files(run: Run) -> None:
    """Write the predictions, the calibration if it has one, and lost epochs of the log again.

    Raises:
        RunError: it is being trained, has no weights, or cannot be written.
        PredictionError: its weights are damaged.
        DataError: its data set is gone.
    """
    if run.bundled or not run.has_model():
        raise RunError(f"The run '{run.title}' has no weights here to compute its files from.")
    if _may_change(run):
        raise RunError(f"The run '{run.title}' is being trained or paused; stop it first.")
    with hold_lock(run.folder), write_errors_as_run_error(f"The run '{run.title}'"):
        if run.log().problems:
            repair_log(run.folder, _finished_epochs(run))
        store = open_store(run.config.data)
        check_same_data(run, store)
        predict_held_out(run, run_split(run, store), store)
        if has_file(run.folder / CALIBRATION_FILE):
            _fit_calibration(run, store)


def _may_change(run: Run) -> bool:
    try:
        return run.status().may_change
    except RunError:  # its status is damaged; the lock tells whether a trainer lives
        return False


def _finished_epochs(run: Run) -> list[dict]:
    for path in list_checkpoints(run.folder):
        description, _ = read_checkpoint(path)
        if description:
            return list(description["history"]["epochs"])
    return []


def _fit_calibration(run: Run, store: PatchStore) -> None:
    validation = run.predictions().query("part == 'validation'")
    y_true = store.labels[validation["row"].to_numpy()]
    calibration = fit_calibration(y_true, validation["probability"].to_numpy())
    write_checked_json(run.folder / CALIBRATION_FILE, dataclasses.asdict(calibration))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
