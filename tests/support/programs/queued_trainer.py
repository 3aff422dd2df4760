"""A trainer for `test_device_queue`: the real one, but what it does with its turn needs no Keras.

It writes "begin ID" into ``turns.txt``, holds the device until somebody asks for a stop or the
file ``go`` appears, and writes "end ID".

python tests/support/programs/queued_trainer.py RUN_ID
"""

import sys
import time

from idc.files.home import home_dir
from idc.runs.status import RunStatus, write_status
from idc.training.trainer import _Trainer, main


def note(line):
    with (home_dir() / "turns.txt").open("a") as file:
        file.write(line + "\n")


def hold_device_for_a_while(trainer):
    run_id = trainer.folder.name
    note(f"begin {run_id}")
    write_status(trainer.folder, RunStatus(state="running", epochs=1, phase="training"))
    while not (home_dir() / "go").exists() and not trainer._requests.poll():
        time.sleep(0.02)
    note(f"end {run_id}")
    status = RunStatus(state="finished", epochs=1, epoch=1)
    write_status(trainer.folder, status)
    return status


if __name__ == "__main__":
    assert "keras" not in sys.modules and "pandas" not in sys.modules  # a waiting one is small
    _Trainer._train = hold_device_for_a_while
    sys.exit(main())
