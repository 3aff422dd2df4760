"""A trainer for `test_device_queue`: the real queueing, without Keras and without a training.

It writes "begin ID" to ``turns.txt``, holds the device until a stop is requested or the file ``go``
exists, and writes "end ID".

python tests/support/programs/queued_trainer.py RUN_ID
"""

import sys
import time

from idc.files.home import home_dir
from idc.runs.status import RunStatus, write_status
from idc.training.trainer import _Trainer, main


def append_line(line):
    with (home_dir() / "turns.txt").open("a") as file:
        file.write(line + "\n")


def hold_device_for_a_while(trainer):
    run_id = trainer.folder.name
    append_line(f"begin {run_id}")
    write_status(trainer.folder, RunStatus(state="running", epochs=1, phase="training"))
    while not (home_dir() / "go").exists() and not trainer._requests.poll():
        time.sleep(0.02)
    append_line(f"end {run_id}")
    status = RunStatus(state="finished", epochs=1, epoch=1)
    write_status(trainer.folder, status)
    return status


if __name__ == "__main__":
    assert "keras" not in sys.modules and "pandas" not in sys.modules  # a waiting trainer is small
    _Trainer._train = hold_device_for_a_while
    sys.exit(main())
