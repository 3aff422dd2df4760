"""A process for `test_run` that holds a run's lock like its trainer, until it is killed.

python tests/support/programs/run_child.py RUN_ID
"""

import sys

from idc.runs.run import open_run

if __name__ == "__main__":
    with open_run(sys.argv[1]).trainer_lock():
        print("holds it", flush=True)
        sys.stdin.read()
