"""A reviewer: prints "ready", then waits for a line of input and marks COUNT patches.

python tests/support/programs/marking_child.py REVIEWER VERDICT COUNT
"""

import sys

from idc.datasets.label_marks import Mark, save_mark

if __name__ == "__main__":
    reviewer, verdict, count = sys.argv[1:]
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(int(count)):
        place = {"case": 1, "x": 1 + 50 * number, "y": 1}
        save_mark(Mark("tiny", **place, label=0, verdict=verdict, reviewer=reviewer))
