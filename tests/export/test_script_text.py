"""The text of scripts: sound Python without unused names, whatever the settings."""

import subprocess
import sys

import pytest

from idc.export.notebook import cells_of, percent_text
from idc.launch.start import create_run
from idc.settings.training_config import preset_config
from tests.export.made_runs import write_cats, write_pets
from tests.support.made_patches import tiny_store

pytestmark = pytest.mark.slow  # imports TensorFlow


def test_scripts_hold_no_unused_or_undefined_name(home, tmp_path):
    for store in (tiny_store, write_pets, write_cats):
        store(*(["tiny"] if store is tiny_store else []))
    configs = {
        "cases": preset_config("fast", "tiny"),
        "sample": preset_config("accurate", "tiny", patches=30, early_stopping=True),
        "random": preset_config("notebook", "tiny", protocol="random", balancing="resampling"),
        "given": preset_config("yours", "pets", protocol="as-given", schedule="constant"),
        "no-cases": preset_config("fast", "cats", protocol="random", precision="mixed"),
    }
    for name, config in configs.items():
        (tmp_path / f"{name}.py").write_text(percent_text(create_run(config), "script"))

    answer = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F,E9", tmp_path],
        capture_output=True,
        text=True,
    )

    assert answer.returncode == 0, answer.stdout


def test_lines_of_code_are_at_most_a_hundred_columns_long(home):
    write_pets()
    run = create_run(preset_config("fast", "pets", protocol="as-given"))

    cells = cells_of(percent_text(run, "script"))

    code = [line for is_text, source in cells if not is_text for line in source.split("\n")]
    assert max(map(len, code)) <= 100
