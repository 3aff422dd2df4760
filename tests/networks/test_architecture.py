import pytest

from idc.errors import ConfigError
from idc.networks.architecture import (
    MAX_PARAMETERS,
    Architecture,
    check_batch_memory,
    costs_of,
    layers_of,
    parse_architecture,
)
from idc.settings.training_config import TrainingConfig, preset_config

BUILT = [
    Architecture(),
    Architecture(blocks=5, convolutions=2, width=8, kernel=5, pooling="average"),
    Architecture(blocks=2, width=4, kernel=7, pooling="none", dropout_percent=25),
    Architecture(blocks=3, convolutions=3, kernel=1, dropout_percent=50, ending="flatten"),
    Architecture(blocks=1, width=5, pooling="none", ending="average"),
]


def test_layers_of_a_small_network_match_hand_calculation():
    layers = layers_of(Architecture(blocks=1, width=4, kernel=3, ending="flatten"))

    assert [
        (layer.kind, layer.shape, layer.parameters, layer.multiply_adds) for layer in layers
    ] == [
        ("Rescaling", (50, 50, 3), 0, 0),
        ("Conv2D", (50, 50, 4), 108, 270_000),  # 3 * 3 * 3 * 4 weights at 50 * 50 places
        ("BatchNormalization", (50, 50, 4), 16, 0),
        ("Activation", (50, 50, 4), 0, 0),
        ("MaxPooling2D", (25, 25, 4), 0, 0),
        ("Flatten", (2500,), 0, 0),
        ("Dense", (64,), 160_064, 160_000),
        ("Dense", (2,), 130, 128),
    ]
    assert [layer.field_px for layer in layers[1:5]] == [3, 3, 3, 4]


def test_receptive_field_grows_faster_after_each_pooling():
    # 3; pooled 4; 3 more places of 2 px: 8; pooled 10; 3 more of 4 px: 18; pooled 22
    assert costs_of(Architecture(blocks=3)).field_px == 22
    assert costs_of(Architecture(blocks=3, pooling="none")).field_px == 7
    assert costs_of(Architecture(kernel=1, pooling="none")).field_px == 1


@pytest.mark.slow  # imports TensorFlow
@pytest.mark.parametrize("architecture", BUILT, ids=str)
def test_keras_model_has_the_counted_layers_and_parameters(architecture):
    from idc.networks.models import build_model

    model = build_model(f"yours-{architecture}")
    built = [layer for layer in model.layers if type(layer).__name__ != "InputLayer"]
    counted = layers_of(architecture)

    assert [type(layer).__name__ for layer in built] == [layer.kind for layer in counted]
    assert [tuple(layer.output.shape[1:]) for layer in built] == [layer.shape for layer in counted]
    assert [layer.count_params() for layer in built] == [layer.parameters for layer in counted]
    assert model.count_params() == costs_of(architecture).parameters


@pytest.mark.parametrize("architecture", BUILT, ids=str)
def test_architecture_text_round_trip(architecture):
    assert parse_architecture(str(architecture)) == architecture


@pytest.mark.parametrize(
    "text", ["", "3x1", "3x1-w16-k3-max-d0-average-", "٣x1-w16-k3-max-d0-average"]
)
def test_invalid_architecture_text_is_rejected_with_an_example(text):
    with pytest.raises(ConfigError, match="must have the form '3x1-w16-k3-max-d0-average'"):
        parse_architecture(text)


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        ({"blocks": 0}, r"blocks must be a whole number in \[1, 5\]. Received: 0"),
        ({"blocks": True}, r"blocks must be a whole number in \[1, 5\]. Received: True"),
        ({"width": 65}, r"width must be a whole number in \[4, 64\]. Received: 65"),
        ({"kernel": 2}, "kernel must be one of 1, 3, 5, 7. Received: 2"),
        ({"pooling": "mean"}, "pooling must be one of max, average, none. Received: 'mean'"),
        ({"dropout_percent": 81}, r"dropout_percent must be a whole number in \[0, 80\]"),
        ({"ending": "dense"}, "ending must be one of average, flatten. Received: 'dense'"),
        ({"blocks": 5, "convolutions": 3, "width": 64}, "at most 5,000,000 parameters"),
        ({"convolutions": 3, "width": 64, "pooling": "none"}, "at most 400,000,000 multiply-adds"),
    ],
)
def test_choice_outside_its_range_is_refused(choice, sentence):
    with pytest.raises(ConfigError, match=sentence):
        Architecture(**choice)


def test_too_large_batch_is_rejected_with_the_largest_possible_size():
    large = Architecture(blocks=2, convolutions=2, width=20, pooling="none")
    most = 2 * 2**30 // (8 * costs_of(large).values)

    check_batch_memory(large, most)
    with pytest.raises(ConfigError, match=f"batch_size may be at most {most:,} for this network"):
        check_batch_memory(large, most + 1)


# As settings of a run


def test_config_of_custom_preset_holds_the_architecture():
    config = preset_config("yours", "a", architecture="2x1-w8-k5-average-d20-flatten")

    assert config.network == "yours-2x1-w8-k5-average-d20-flatten"
    assert TrainingConfig.from_json(config.to_json()) == config


def test_custom_preset_without_architecture_gets_the_default():
    assert preset_config("yours", "a").architecture == str(Architecture())


def test_other_presets_ignore_an_architecture():
    config = preset_config("fast", "a", architecture="2x1-w8-k5-average-d20-flatten")

    assert (config.network, config.architecture) == ("fast", "")


def test_config_rejects_an_invalid_architecture():
    with pytest.raises(ConfigError, match="architecture must have the form"):
        preset_config("yours", "a", architecture="deep")
    with pytest.raises(ConfigError, match="batch_size may be at most"):
        preset_config("yours", "a", architecture="2x2-w32-k3-none-d0-average", batch_size=8_192)


def test_notebook_network_is_below_the_size_limits():
    assert MAX_PARAMETERS > 2_514_410


def test_layers_are_those_of_keras_at_another_side():
    from idc.networks.models import build_model

    architecture = Architecture(blocks=2, width=8, ending="flatten")

    specs = layers_of(architecture, 96)

    assert (
        sum(layer.parameters for layer in specs)
        == build_model(f"yours-{architecture}", 96).count_params()
    )
    assert specs[0].shape == (96, 96, 3)


def test_pooling_that_leaves_nothing_of_a_patch_is_refused():
    deep = Architecture(blocks=5, width=4)

    assert layers_of(deep, 32)[-2].shape == (64,)
    with pytest.raises(ConfigError, match="5 blocks with pooling leave nothing of a patch of 28"):
        layers_of(deep, 28)
