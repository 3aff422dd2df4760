"""A training that is cut off anywhere ends, continued, as if nothing had happened.

Here every so many-th write, fsync and rename is the one that is cut off; all of them, in some
minutes: IDC_KILL_EVERY=1 python -m pytest tests/training/test_exact_resume.py
"""

import json
import os
import subprocess
import sys

import pytest

from tests.support import PROGRAMS, PROJECT
from tests.support.made_patches import tiny_store

pytestmark = pytest.mark.slow

CHILD = PROGRAMS / "killed_trainings.py"
SWEEPS = {"kill": 31, "ENOSPC": 37, "EIO+": 61}


@pytest.fixture(scope="module")
def trainings(tmp_path_factory):
    """(digest of the undisturbed training, fault -> one entry for each that was cut off)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IDC_HOME", str(tmp_path_factory.mktemp("cut_off")))
        patch.setenv("PYTHONPATH", str(PROJECT))
        tiny_store("tiny", cases=3, per_case=12)
        every = os.environ.get("IDC_KILL_EVERY")
        answer = subprocess.run(
            [sys.executable, CHILD, *(f"{fault}:{every or n}" for fault, n in SWEEPS.items())],
            capture_output=True,
            text=True,
        )
    assert answer.returncode == 0, answer.stderr
    first, *lines = map(json.loads, answer.stdout.splitlines())
    tried = {fault: [] for fault in SWEEPS}
    for line in lines:
        if "clean" in line:
            assert line["clean"] > 100  # operations in a whole training, and all were reached
        else:
            tried[line["fault"]].append(line)
    return first["digest"], tried


def all_of(lines, name):
    assert lines
    return {line[name] for line in lines}


@pytest.mark.parametrize("fault", SWEEPS)
def test_training_interrupted_at_any_write_resumes_to_identical_results(trainings, fault):
    digest, tried = trainings

    assert all_of(tried[fault], "digest") == {digest}
    assert all_of(tried[fault], "at_last") == {"finished"}
    assert all_of(tried[fault], "leftovers") == {0}  # no half-written file beside the others
    assert all_of(tried[fault], "lost_steps") <= {0, 1}  # a checkpoint follows each step


@pytest.mark.parametrize("fault", SWEEPS)
def test_saved_files_stay_readable_after_an_interruption(trainings, fault):
    assert all_of(trainings[1][fault], "readable") == {True}


def test_killed_training_shows_as_interrupted(trainings):
    lines = trainings[1]["kill"]

    assert all_of(lines, "ended") == {-9}
    *states, last = [line["state"] for line in lines]
    assert set(states) <= {"starting", "interrupted"}
    assert last in ("interrupted", "finished")  # at the very last fsync all is done


def test_full_disk_fails_the_run_with_its_reason(trainings):
    lines = trainings[1]["ENOSPC"]

    assert all_of(lines, "ended") == {2}
    assert all_of(lines, "state") == {"failed"}
    assert all_of(lines, "reason") == {
        "Training failed: the disk reports 'No space left on device'. Everything saved before is "
        "intact; free disk space or check the disk, then continue the run."
    }


def test_permanent_disk_failure_leaves_no_live_run(trainings):
    lines = trainings[1]["EIO+"]

    assert all_of(lines, "ended") == {2}
    assert all_of(lines, "state") <= {"starting", "interrupted"}  # starting: for some seconds
