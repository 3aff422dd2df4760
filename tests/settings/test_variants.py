from idc.settings.training_config import preset_config
from idc.settings.variants import seed_variants, split_variants


def test_one_seed_leaves_settings_unchanged():
    config = preset_config("fast", "a", name="mine")

    assert seed_variants(config, 1) == [config]


def test_seed_variants_have_consecutive_seeds_and_names():
    variants = seed_variants(preset_config("fast", "a", seed=4, name="x" * 80), 2)

    assert [config.seed for config in variants] == [4, 5]
    assert [config.name for config in variants] == ["x" * 60 + ", seed 4", "x" * 60 + ", seed 5"]
    assert seed_variants(preset_config("fast", "a"), 2)[0].name == "Seed 0"


def test_split_variants_differ_in_protocol_and_name_only():
    config = preset_config("fast", "a", protocol="published", unlisted="train", epochs=7)

    random, by_case = (variant.to_json() for variant in split_variants(config))

    assert {name for name in random if random[name] != by_case[name]} == {"protocol", "name"}
    assert (random["protocol"], by_case["protocol"]) == ("random", "case-disjoint")
    assert random["unlisted"] == "ignore"
