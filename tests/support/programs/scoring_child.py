"""A writer of scores: prints "ready", then waits for a line of input and saves COUNT scores.

python tests/support/programs/scoring_child.py NAME COUNT
"""

import sys

from idc.game.scoreboard import Score, save_score

if __name__ == "__main__":
    name, count = sys.argv[1:]
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(int(count)):
        save_score(Score(name, str(number), "easy", 7, 4, 9))
