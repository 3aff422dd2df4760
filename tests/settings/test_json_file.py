import json
import shlex
from dataclasses import fields

import pytest

from idc.cli.parser import build_parser
from idc.cli.training_commands import config_from_options
from idc.errors import ConfigError
from idc.settings.help_texts import SETTING_HELP
from idc.settings.json_file import read_settings_file, train_command, write_settings_file
from idc.settings.training_config import PRESETS, TrainingConfig, preset_config

EVERYTHING_ELSE = {
    "protocol": "case-disjoint",
    "patches": None,
    "folds": 5,
    "fold": 2,
    "leave_out_marked": True,
    "seed": 5,
    "split_seed": 6,
    "epochs": 2,
    "learning_rate": 0.002,
    "label_smoothing": 0.0,
    "early_stopping": True,
    "precision": "mixed",
    "name": "--name; rm -rf 'x'",
}


def parse_config(words):
    return config_from_options(build_parser().parse_args(shlex.split(words)))


@pytest.mark.parametrize("preset", PRESETS)
def test_command_line_round_trip(preset):
    config = preset_config(preset, "my data", **EVERYTHING_ELSE)

    words = train_command(config)

    assert words.startswith("python -m idc train ")
    assert parse_config(words.removeprefix("python -m idc ")) == config


def test_command_line_omits_preset_values():
    assert train_command(preset_config("fast", "demo")) == (
        "python -m idc train --data=demo --preset=fast"
    )
    assert train_command(preset_config("fast", "demo", epochs=9)).endswith(" --epochs=9")


@pytest.mark.parametrize("rate", [0.004, 0.008])
def test_command_line_of_a_large_batch_keeps_its_learning_rate(rate):
    config = preset_config("fast", "demo", batch_size=256, learning_rate=rate)

    assert parse_config(train_command(config).removeprefix("python -m idc ")) == config


def test_multi_line_command_breaks_between_options():
    config = preset_config("fast", "demo", name="a --b")

    assert train_command(config, " \\\n  ").splitlines() == [
        "python -m idc train \\",
        "  --data=demo \\",
        "  --preset=fast \\",
        "  '--name=a --b'",
    ]


def test_options_override_a_settings_file(tmp_path):
    config = preset_config("fast", "demo", **EVERYTHING_ELSE)
    path = tmp_path / "config.json"
    path.write_text(write_settings_file(config), encoding="utf-8")

    assert read_settings_file(path.read_bytes()) == config
    assert parse_config(f"train --config {path}") == config
    changed = parse_config(f"train --config {path} --epochs 8 --no-early-stopping --data other")
    assert (changed.epochs, changed.early_stopping, changed.data) == (8, False, "other")
    assert changed.learning_rate == config.learning_rate


def test_missing_file_or_data_set_raises_config_error(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot be read \(No such file"):
        parse_config(f"train --config {tmp_path / 'none.json'}")
    with pytest.raises(ConfigError, match="No data set is named; give --data NAME"):
        parse_config("train --epochs 3")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\xff\xfe\x00", "it is not JSON in UTF-8"),
        (b"[" * 60_000, "it is not JSON in UTF-8"),
        (b" " * (64 * 1024 + 1), "may have at most 64 kB"),
        (b"[1]", "must be a JSON object of named settings"),
        (b'{"data": "a", "epochs": 1e999}', "epochs must be int"),
        (b'{"data": "a", "os": 1}', "Unknown setting: os"),
    ],
)
def test_invalid_settings_file_raises_config_error(content, sentence):
    with pytest.raises(ConfigError, match=sentence):
        read_settings_file(content)


def test_help_of_train_documents_every_setting(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "1000")  # else a hyphen may end a line
    with pytest.raises(SystemExit):
        build_parser().parse_args(["train", "--help"])
    help_text = " ".join(capsys.readouterr().out.split())

    names = [field.name for field in fields(TrainingConfig)]
    assert list(SETTING_HELP) == names
    for name in names:
        assert f"--{name.replace('_', '-')}" in help_text
        assert " ".join(SETTING_HELP[name].split()) in help_text, name
    assert json.loads(write_settings_file(TrainingConfig(data="a"))).keys() == set(names)
