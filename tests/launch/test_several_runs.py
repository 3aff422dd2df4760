import errno

import pytest

from idc.errors import RunError
from idc.launch.several_runs import configs_for_both_splits, configs_for_seeds, start_runs
from idc.runs.run import list_runs
from idc.settings.training_config import preset_config


def test_one_seed_is_the_very_settings():
    config = preset_config("fast", "a", name="mine")

    assert configs_for_seeds(config, 1) == [config]


def test_seeds_follow_each_other_and_are_told_in_the_name():
    told = configs_for_seeds(preset_config("fast", "a", seed=4, name="x" * 80), 2)

    assert [config.seed for config in told] == [4, 5]
    assert [config.name for config in told] == ["x" * 60 + ", seed 4", "x" * 60 + ", seed 5"]
    assert configs_for_seeds(preset_config("fast", "a"), 2)[0].name == "Seed 0"


def test_both_splits_differ_in_the_split_alone():
    config = preset_config("fast", "a", protocol="published", unlisted="train", epochs=7)

    random, by_case = (config.to_json() for config in configs_for_both_splits(config))

    assert {name for name in random if random[name] != by_case[name]} == {"protocol", "name"}
    assert (random["protocol"], by_case["protocol"]) == ("random", "case-disjoint")
    assert random["unlisted"] == "ignore"


def test_runs_start_in_order(home, monkeypatch):
    started = []
    monkeypatch.setattr("idc.launch.start.start_trainer", lambda run: started.append(run.id))

    runs = start_runs(configs_for_seeds(preset_config("fast", "a"), 3))

    assert started == [run.id for run in runs]
    assert [run.config.seed for run in runs] == [0, 1, 2]


def test_run_that_cannot_be_created_leaves_those_before_it_under_way(home, monkeypatch):
    started = []
    monkeypatch.setattr(
        "idc.launch.start.start_trainer", lambda run: started.append(run.config.seed)
    )

    def third_fails(_folder):
        if len(started) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(RunError, match="No space left on device"):
        start_runs(configs_for_seeds(preset_config("fast", "a"), 3), fill=third_fails)

    assert started == [0, 1]
    assert len(list_runs()) == 2
