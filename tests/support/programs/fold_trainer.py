"""A trainer for `test_folds` without TensorFlow: it finishes, waits for a stop, or fails.

python tests/support/programs/fold_trainer.py RUN_ID finish|wait|fail
"""

import sys
import time
from dataclasses import replace

import pandas as pd

from idc.datasets.store import open_store
from idc.files.atomic import replace_json
from idc.runs.run import ENVIRONMENT_FILE, PREDICTIONS_FILE, open_run
from idc.settings.training_config import split_for_config


def train(run_id: str, does: str) -> None:
    """Finish the run, wait for a stop request, or fail."""
    run = open_run(run_id)
    with run.trainer_lock():
        run.write_status(replace(run.status(), state="running", phase="training"))
        while does == "wait" and not run.stop_requested():
            time.sleep(0.02)
        if does != "finish":
            state = {"wait": "stopped", "fail": "failed"}[does]
            run.write_status(replace(run.status(), state=state, reason="It broke off."))
            return
        store = open_store(run.config.data)
        rows = split_for_config(run.config, store, run.left_out()).test
        table = pd.DataFrame({"row": rows, "probability": run.config.fold / 10, "part": "test"})
        table.astype({"probability": "float32"}).to_parquet(run.folder / PREDICTIONS_FILE)
        replace_json(run.folder / ENVIRONMENT_FILE, {"data_sha256": store.fingerprint})
        run.write_status(replace(run.status(), state="finished", epoch=run.config.epochs))


if __name__ == "__main__":
    train(*sys.argv[1:])
