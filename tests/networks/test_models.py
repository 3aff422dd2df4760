import numpy as np
import pytest

from idc.errors import ConfigError

pytestmark = pytest.mark.slow  # imports TensorFlow


def layers_of(model):
    return [type(layer).__name__ for layer in model.layers]


def test_notebook_cnn_is_the_notebooks_network():
    from idc.networks.models import build_model

    model = build_model("notebook")

    assert model.count_params() == 2_514_410
    assert " ".join(layers_of(model)) == (
        "Rescaling Conv2D BatchNormalization Conv2D MaxPooling2D BatchNormalization Dropout "
        "Conv2D BatchNormalization Conv2D BatchNormalization MaxPooling2D Dropout Conv2D Flatten "
        "Dense BatchNormalization Dense BatchNormalization Dense Dropout Dense Dense"
    )
    convolutions = [layer for layer in model.layers if hasattr(layer, "filters")]
    assert [layer.filters for layer in convolutions] == [32, 32, 64, 64, 128]
    assert {layer.padding for layer in convolutions} == {"same"}
    dense = [layer.units for layer in model.layers if hasattr(layer, "units")]
    assert dense == [128, 64, 64, 24, 2]
    assert [layer.rate for layer in model.layers if hasattr(layer, "rate")] == [0.3, 0.3, 0.3]


@pytest.mark.parametrize(("name", "parameters"), [("fast", 124_418), ("accurate", 345_154)])
def test_residual_networks_are_small(name, parameters):
    from idc.networks.models import build_model

    assert build_model(name).count_params() == parameters


def test_untrained_residual_block_is_the_identity():
    from idc.networks.models import build_model

    model = build_model("fast")
    last_scales = [
        layer.gamma.numpy() for layer in model.layers if layer.name.startswith("batch_norm")
    ]

    # stem, then each stage's way down, first and second convolution
    assert [bool(np.any(scale)) for scale in last_scales] == [True] + [True, True, False] * 3


def test_fast_network_is_above_chance_on_unseen_patches_after_a_few_steps():
    import keras

    from idc.networks.models import build_model
    from idc.settings.training_config import preset_config
    from idc.training.objective import compile_model

    rng = np.random.default_rng(0)
    labels = np.arange(96) % 2
    # positive patches are crowded with dark dots, as tumour is with nuclei; colours alike
    dots = rng.random((96, 50, 50, 1)) < np.where(labels, 0.2, 0.1)[:, None, None, None]
    patches = np.where(dots, [90, 60, 130], [225, 170, 205]).astype(np.uint8)
    keras.utils.set_random_seed(0)
    model = build_model("fast")
    compile_model(model, preset_config("fast", "any"), steps=12)
    for step in range(12):
        rows = np.arange(64).reshape(2, 32)[step % 2]  # both classes in each batch
        model.train_on_batch(patches[rows], np.eye(2, dtype=np.float32)[labels[rows]])
    y_prob = np.asarray(model(patches[64:], training=True))[:, 1]

    from sklearn.metrics import roc_auc_score

    assert roc_auc_score(labels[64:], y_prob) > 0.9


def test_model_maps_uint8_rgb_to_two_probabilities():
    from idc.networks.models import build_model

    answer = np.asarray(build_model("notebook")(np.zeros((3, 50, 50, 3), np.uint8)))

    assert answer.shape == (3, 2)
    assert np.allclose(answer.sum(axis=1), 1, atol=1e-6)


def test_same_seed_builds_the_same_weights():
    import keras

    from idc.networks.models import build_model

    kernels = []
    for seed in (7, 7, 8):
        keras.utils.set_random_seed(seed)
        kernels.append(build_model("notebook").get_weights()[0])

    assert np.array_equal(kernels[0], kernels[1])
    assert not np.array_equal(kernels[0], kernels[2])


def test_unknown_network_is_rejected_by_name():
    from idc.networks.models import build_model

    with pytest.raises(ConfigError, match="Received: 'resnet'"):
        build_model("resnet")


@pytest.mark.parametrize("side_px", [28, 96, 224])
@pytest.mark.parametrize("name", ["fast", "accurate", "yours-3x1-w8-k3-max-d0-flatten"])
def test_networks_are_built_for_the_side_of_the_patches(name, side_px):
    from idc.networks.models import build_model

    model = build_model(name, side_px)

    assert model.input_shape == (None, side_px, side_px, 3)
    assert model.output_shape == (None, 2)


def test_notebook_grows_with_the_area_of_its_last_maps():
    from idc.networks.models import build_model

    small, usual = build_model("notebook", 28), build_model("notebook", 50)

    # 7x7 and 12x12 values of 128 maps, each with a weight to 128 units
    assert usual.count_params() - small.count_params() == (12 * 12 - 7 * 7) * 128 * 128
