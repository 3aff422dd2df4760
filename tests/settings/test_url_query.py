import pytest

from idc.settings.training_config import PRESETS, preset_config
from idc.settings.url_query import (
    URL_SETTINGS,
    form_defaults,
    settings_from_query,
    settings_to_query,
)


def problems(**words):
    return settings_from_query({name: [word] for name, word in words.items()}).problems


def test_default_form_has_an_empty_query():
    assert settings_to_query(form_defaults("fast", "demo", 100), 100) == {}
    assert settings_to_query(form_defaults("notebook", "demo", 100), 100) == {"preset": "notebook"}


def test_proposed_patches_are_limited_for_large_data_sets():
    assert form_defaults("fast", "demo", 40_000).patches is None
    assert form_defaults("fast", "demo", 40_001).patches == 40_000


def test_query_contains_only_changed_settings():
    config = preset_config("fast", "demo", epochs=7, learning_rate=1e-5, early_stopping=True)

    assert settings_to_query(config, 50_000) == {
        "epochs": "7",
        "learning_rate": "1e-05",
        "early_stopping": "true",
    }


@pytest.mark.parametrize("preset", PRESETS)
def test_query_round_trip_of_every_setting(preset):
    other = {
        "architecture": "2x1-w8-k5-none-d10-flatten",
        "protocol": "published",
        "unlisted": "train",
        "patches": None,
        "leave_out_marked": True,
        "seed": 2**31 - 1,
        "epochs": 77,
        "batch_size": 33,
        "learning_rate": 0.00123,
        "optimizer": "adam" if PRESETS[preset].settings.get("optimizer") else "adamw",
        "weight_decay": 0.25,
        "schedule": "constant" if PRESETS[preset].settings.get("schedule") else "one-cycle",
        "label_smoothing": 0.2,
        "augmentation": "none" if PRESETS[preset].settings.get("augmentation") else "flips",
        "balancing": "resampling",
        "early_stopping": True,
        "patience": 9,
        "precision": "mixed",
        "name": "Müller & Söhne, 100 % = ?#",
    }
    config = preset_config(preset, "demo", **other)

    words = settings_to_query(config, 50_000)
    requested = settings_from_query({name: [word] for name, word in words.items()})

    assert set(other) | {"preset"} == set(URL_SETTINGS)
    assert requested.problems == ()
    assert preset_config(**{"preset": "fast", "data": "demo", **requested.settings}) == config


def test_invalid_value_is_reported_and_others_are_kept():
    requested = settings_from_query({"epochs": ["0"], "seed": ["7"], "case": ["8867"]})

    assert requested.problems == ("epochs must lie in [1, 10000]. Received: 0",)
    assert requested.settings == {"seed": 7}


@pytest.mark.parametrize(
    ("name", "word", "sentence"),
    [
        ("epochs", "ten", "epochs must be a whole number. Received: 'ten'"),
        ("epochs", "1e3", "epochs must be a whole number. Received: '1e3'"),
        ("seed", "-1", "seed must lie in [0, 2.14748e+09]. Received: -1"),
        ("learning_rate", "nan", "learning_rate must lie in [1e-08, 10]. Received: nan"),
        ("learning_rate", "inf", "learning_rate must lie in [1e-08, 10]. Received: inf"),
        ("learning_rate", "", "learning_rate must be a number. Received: ''"),
        ("early_stopping", "1", "early_stopping must be true or false. Received: '1'"),
        ("batch_size", "9" * 5_000, "batch_size is too long. Received: 5,000 characters"),
        ("name", "x" * 81, "name may have at most 80 characters. Received: 81"),
        (
            "optimizer",
            "__import__('os')",
            "optimizer must be one of adam, adamw. Received: \"__import__('os')\"",
        ),
        (
            "precision",
            "<script>",
            "precision must be one of float32, mixed. Received: '<script>'",
        ),
    ],
)
def test_hostile_value_gives_one_problem(name, word, sentence):
    assert problems(**{name: word}) == (sentence,)


def test_last_repeated_value_wins():
    assert settings_from_query({"epochs": ["3", "4"]}).settings == {"epochs": 4}
