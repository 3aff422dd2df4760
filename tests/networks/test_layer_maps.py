import numpy as np
import pytest

pytestmark = pytest.mark.slow  # imports TensorFlow

NETWORKS = [
    "notebook",
    "fast",
    "yours-2x2-w4-k5-average-d20-flatten",
    "yours-5x1-w4-k3-max-d0-average",
]


@pytest.fixture(scope="module")
def patch():
    return np.random.default_rng(0).integers(0, 256, (50, 50, 3)).astype(np.uint8)


def built(name, seed=0):
    import keras

    from idc.networks.models import build_model

    keras.utils.set_random_seed(seed)
    return build_model(name)


def maps_of(entry, block):
    """The maps of an entry as the browser reads them: float, shape (maps, rows, columns)."""
    maps, shape = entry["maps"], entry["shape"]
    rows, columns = shape[:2] if len(shape) == 3 else (1, shape[0])
    count = len(maps["low"])
    levels = np.frombuffer(block, np.uint8, count * rows * columns, maps["at"])
    low, high = np.array(maps["low"])[:, None], np.array(maps["high"])[:, None]
    return (low + levels.reshape(count, -1) / 255 * (high - low)).reshape(count, rows, columns)


def lit_up(name):
    """Which rows of the patch change which rows of each layer's maps, found by trying.

    All weights are positive, so that a brighter pixel cannot be lost on the way.

    Returns:
        One a layer: bool, shape (50 rows of the patch, rows of the map); None without maps.
    """
    import keras

    model = built(name)
    for weight in model.trainable_weights:
        if weight.path.endswith(("kernel", "gamma")):
            rng = np.random.default_rng(1)
            weight.assign(rng.uniform(0.5, 1, weight.shape) / np.prod(weight.shape[:-1] or (1,)))
    patches = np.full((51, 50, 50, 3), 230, np.uint8)
    for row in range(50):
        patches[row, row] = 255
    layers = model.layers[1:] if name != "notebook" else model.layers
    outputs = keras.Model(model.inputs[0], [layer.output for layer in layers])(
        patches, training=False
    )
    found = []
    for value in map(np.asarray, outputs):
        more = value[:50] > value[50:] * (1 + 1e-6)
        found.append(more.any(axis=(2, 3)) if value.ndim == 4 else None)
    return found


@pytest.mark.parametrize("name", NETWORKS)
def test_receptive_fields_match_the_effect_of_changed_pixels(name, patch):
    from idc.networks.layer_maps import inspect_layers

    entries, _ = inspect_layers(built(name), patch)
    found = lit_up(name)

    assert len(entries) == len(found)
    checked = 0
    for entry, changed in zip(entries, found, strict=True):
        if changed is None:
            continue
        checked += 1
        for place, (first, last) in enumerate(entry["spans"]):
            expected = [first <= row <= last for row in range(50)]
            assert changed[:, place].tolist() == expected, (entry["name"], place)
    assert checked >= 5


def test_decoded_maps_match_layer_outputs_within_quantisation(patch):
    import keras

    from idc.networks.layer_maps import inspect_layers

    model = built("notebook")
    entries, block = inspect_layers(model, patch)
    third = next(entry for entry in entries if entry["shape"] == [25, 25, 64])
    layer = model.get_layer(third["name"])
    expected = np.asarray(keras.Model(model.inputs[0], layer.output)(patch[None], training=False))[
        0
    ]
    expected = expected.transpose(2, 0, 1)

    span = expected.max(axis=(1, 2)) - expected.min(axis=(1, 2))
    off = np.abs(maps_of(third, block) - expected).max(axis=(1, 2))
    assert (off <= span / 255 * 0.51 + 1e-4 * np.abs(expected).max()).all()


def test_softmax_of_the_sums_is_the_prediction(patch):
    from idc.networks.inference import predict_probabilities
    from idc.networks.layer_maps import inspect_layers

    model = built("fast")
    entries, _ = inspect_layers(model, patch)
    exponents = np.exp(entries[-1]["sums"])

    assert entries[-1]["shape"] == [2]
    assert entries[-1]["activation"] == "softmax"
    assert (exponents / exponents.sum())[1] == pytest.approx(
        float(predict_probabilities(model, patch[None])[0]), abs=1e-4
    )


def test_residual_block_has_two_inputs():
    from idc.networks.layer_maps import inspect_layers

    entries, _ = inspect_layers(built("fast"), np.zeros((50, 50, 3), np.uint8))
    add = next(entry for entry in entries if entry["kind"] == "Add")
    short, long = (entries[number] for number in add["inputs"])

    # Place 3 of the first stage saw places 5 to 7 of the stem; its two convolutions 1 to 11.
    assert short["spans"][3] == (9, 16)
    assert long["spans"][3] == add["spans"][3] == (1, 24)


def test_decoded_filters_match_the_kernel(patch):
    from idc.networks.layer_maps import inspect_layers
    from idc.prediction.layer_views import LayerViews

    model = built("fast")
    views = LayerViews(*inspect_layers(model, patch))
    kernels = views.first_filters()
    entry = next(entry for entry in views.entries if "filters" in entry)

    kernel = model.get_layer("stem").get_weights()[0].transpose(3, 2, 0, 1)
    assert (entry["name"], kernels.shape) == ("stem", (16, 3, 4, 4))
    assert np.abs(kernels - kernel).max() <= np.ptp(kernel) / 255
    assert (entry["filters"]["stride"], entry["filters"]["padding"]) == (2, "same")
