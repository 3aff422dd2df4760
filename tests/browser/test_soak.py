"""A short run of `bench/soak.py`: live charts in three tabs, no leftover processes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

BENCH = Path(__file__).resolve().parents[2] / "bench" / "soak.py"


def test_memory_stays_bounded_over_trainings_without_leftover_processes(chromium):
    done = subprocess.run(
        [
            sys.executable,
            str(BENCH),
            *["--trainings", "1", "--minutes", "0", "--patches", "300", "--json"],
        ],
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["trainings"] == 1
    assert result["before_mb"] > 50  # checks that the server was measured
    assert result["growth_mb"] < 50
    assert result["left"] == []
