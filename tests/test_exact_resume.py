"""A training that is cut off anywhere ends, continued, as if nothing had happened.

Here every so many-th write, fsync and rename is the one that is cut off; all of them, in some
minutes: IDC_KILL_EVERY=1 python -m pytest tests/test_exact_resume.py
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from made_patches import tiny_store

pytestmark = pytest.mark.slow

CHILD = Path(__file__).with_name("killed_trainings.py")


def cut_off(fault, every, later=""):
    """(digest of the undisturbed training, one entry for each that was cut off)."""
    tiny_store("tiny", cases=3, per_case=12)
    every = os.environ.get("IDC_KILL_EVERY", every)
    answer = subprocess.run(
        [sys.executable, CHILD, fault, str(every), *later],
        env={**os.environ, "PYTHONPATH": str(CHILD.parents[1])},
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 0, answer.stderr
    first, *lines, last = map(json.loads, answer.stdout.splitlines())
    assert last["clean"] > 100  # operations in a whole training: those that were tried
    return first["digest"], lines


def test_killed_at_a_write_fsync_or_rename_it_continues_to_the_very_same_end(home):
    digest, lines = cut_off("kill", 13)

    assert {line["ended"] for line in lines} == {-9}
    assert {line["state"] for line in lines} <= {"starting", "interrupted"}
    assert all(line["readable"] for line in lines)
    assert {line["digest"] for line in lines} == {digest}
    assert {line["at_last"] for line in lines} == {"finished"}
    assert {line["lost_steps"] for line in lines} <= {0, 1}  # a checkpoint follows each step


def test_full_disk_fails_the_run_with_a_sentence_and_what_was_kept_goes_on(home):
    digest, lines = cut_off("ENOSPC", 29)

    assert {(line["ended"], line["state"]) for line in lines} == {(2, "failed")}
    assert {line["reason"] for line in lines} == {
        "Training broke off: the disk says 'No space left on device'. What was kept before is "
        "intact; make room or check the disk, then continue it."
    }
    assert all(line["readable"] for line in lines)
    assert {line["digest"] for line in lines} == {digest}


def test_disk_that_fails_for_good_leaves_no_run_that_seems_to_live(home):
    digest, lines = cut_off("EIO", 61, "+")

    assert {line["ended"] for line in lines} == {2}
    assert not {line["state"] for line in lines} & {"running", "queued"}
    assert all(line["readable"] for line in lines)
    assert {line["digest"] for line in lines} == {digest}
