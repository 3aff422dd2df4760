import json
import math

import pytest

from idc.errors import ConfigError
from idc.settings.training_config import PRESETS, TrainingConfig, preset_config


def refusal(**settings):
    with pytest.raises(ConfigError) as error:
        TrainingConfig(data="a", **settings)
    return str(error.value)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("patches", 2, 10**9),
        ("seed", 0, 2**31 - 1),
        ("epochs", 1, 10_000),
        ("batch_size", 1, 8_192),
        ("patience", 1, 1_000),
    ],
)
def test_whole_numbers_are_accepted_to_their_limits_and_not_beyond(name, low, high):
    for value in (low, high):
        assert getattr(TrainingConfig(data="a", **{name: value}), name) == value
    for value in (low - 1, high + 1):
        assert refusal(**{name: value}) == (
            f"{name} must lie in [{low:g}, {high:g}]. Received: {value}"
        )


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("learning_rate", 1e-8, 10), ("weight_decay", 0, 10), ("label_smoothing", 0, 0.499)],
)
def test_real_numbers_are_accepted_to_their_limits_and_not_beyond(name, low, high):
    for value in (low, high):
        assert getattr(TrainingConfig(data="a", **{name: value}), name) == value
    for value in (low - 1e-9, high + 1e-9, math.nan, math.inf, -math.inf):
        assert refusal(**{name: value}) == (
            f"{name} must lie in [{low:g}, {high:g}]. Received: {value}"
        )


@pytest.mark.parametrize(
    ("name", "value", "kinds"),
    [
        ("epochs", True, "int"),
        ("epochs", 1.0, "int"),
        ("epochs", "1", "int"),
        ("epochs", None, "int"),
        ("seed", False, "int"),
        ("patches", True, "int or NoneType"),
        ("patches", 100.0, "int or NoneType"),
        ("learning_rate", True, "float"),
        ("learning_rate", "0.1", "float"),
        ("early_stopping", 1, "bool"),
        ("early_stopping", "yes", "bool"),
        ("preset", None, "str"),
        ("preset", ["notebook"], "str"),
        ("name", 5, "str"),
    ],
)
def test_value_of_another_type_is_refused(name, value, kinds):
    assert refusal(**{name: value}) == f"{name} must be {kinds}. Received: {value!r}"


@pytest.mark.parametrize(
    "name", ["preset", "protocol", "unlisted", "optimizer", "schedule", "augmentation"]
)
def test_unknown_choice_is_rejected_with_known_choices(name):
    known = getattr(TrainingConfig(data="a"), name)

    sentence = refusal(**{name: "other"})

    assert sentence.startswith(f"{name} must be one of ")
    assert known in sentence
    assert sentence.endswith(". Received: 'other'")


def test_none_means_all_patches():
    assert TrainingConfig(data="a", patches=None).patches is None


def test_integer_is_accepted_for_a_float():
    assert TrainingConfig(data="a", learning_rate=1).learning_rate == 1


def test_name_has_at_most_80_characters():
    assert TrainingConfig(data="a", name="x" * 80).name == "x" * 80
    assert refusal(name="x" * 81) == "name may have at most 80 characters. Received: 81"


def test_config_is_immutable():
    config = TrainingConfig(data="a")

    with pytest.raises(AttributeError):
        config.epochs = 5


# As JSON


def test_settings_survive_a_round_trip_through_json():
    config = TrainingConfig(
        data="a",
        protocol="published",
        unlisted="train",
        patches=None,
        seed=7,
        epochs=3,
        batch_size=64,
        learning_rate=0.003,
        optimizer="adamw",
        weight_decay=0.01,
        schedule="one-cycle",
        label_smoothing=0.1,
        augmentation="flips+stain",
        early_stopping=True,
        patience=2,
        name="Müller – 2",
    )

    assert TrainingConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


def test_missing_settings_take_their_defaults():
    assert TrainingConfig.from_json({"data": "a"}) == TrainingConfig(data="a")


def test_unknown_setting_is_refused_by_name():
    with pytest.raises(ConfigError, match=r"Unknown setting: epoch, lr\. Known: data, preset, "):
        TrainingConfig.from_json({"data": "a", "lr": 0.1, "epoch": 3})


def test_data_set_must_be_named():
    with pytest.raises(ConfigError, match="The setting 'data' is missing"):
        TrainingConfig.from_json({"epochs": 3})


@pytest.mark.parametrize("value", [None, [], "notebook", 5])
def test_json_other_than_an_object_is_rejected(value):
    with pytest.raises(ConfigError, match="must be a JSON object of named settings"):
        TrainingConfig.from_json(value)


def test_value_out_of_range_is_refused_from_json_too():
    with pytest.raises(ConfigError, match=r"epochs must lie in \[1, 10000\]. Received: 0"):
        TrainingConfig.from_json({"data": "a", "epochs": 0})


# Presets


@pytest.mark.parametrize("preset", PRESETS)
def test_given_settings_override_the_preset(preset):
    config = preset_config(preset, "a", epochs=3)

    expected = {**PRESETS[preset].settings, "epochs": 3, "preset": preset, "data": "a"}
    assert expected.items() <= config.to_json().items()


def test_notebook_preset_is_the_notebooks_recipe():
    config = preset_config("notebook", "a")

    assert (config.epochs, config.batch_size, config.learning_rate) == (20, 20, 1e-4)
    assert (config.optimizer, config.schedule, config.augmentation) == ("adam", "constant", "none")


def test_unknown_preset_is_refused():
    with pytest.raises(ConfigError, match=r"preset must be one of notebook.* Received: 'resnet'"):
        preset_config("resnet", "a")


def test_folds_need_case_disjoint_protocol_and_a_valid_fold():
    assert TrainingConfig(data="a", folds=5, fold=5).fold == 5
    assert refusal(folds=1, fold=1) == "folds must lie in [2, 20]. Received: 1"
    assert refusal(folds=5) == "fold must lie in [1, 5]. Received: 0"
    assert refusal(folds=5, fold=6) == "fold must lie in [1, 5]. Received: 6"
    assert refusal(fold=1) == "fold must lie in [0, 0]. Received: 1"
    assert refusal(folds=5, fold=1, protocol="random") == (
        "Folds consist of cases: protocol must be case-disjoint. Received: 'random'"
    )


@pytest.mark.parametrize(
    ("batch_size", "rate"), [(8, 0.004), (64, 0.004), (256, 0.008), (1024, 0.016), (300, 0.00866)]
)
def test_one_cycle_presets_scale_the_rate_with_batch_size(batch_size, rate):
    assert preset_config("fast", "a", batch_size=batch_size).learning_rate == rate
    assert preset_config("fast", "a", batch_size=batch_size, learning_rate=1.0).learning_rate == 1.0


def test_notebook_rate_is_independent_of_batch_size():
    assert preset_config("notebook", "a", batch_size=1024).learning_rate == 1e-4
