"""idc.networks.weights: a file of weights is loaded only when nothing about it is another
network's."""

import h5py
import numpy as np
import pytest

from idc.errors import PredictionError
from idc.files.atomic import file_sha256

pytestmark = pytest.mark.slow  # imports TensorFlow

KERNEL = "layers/dense/vars/0"  # the last layer's, shape (64, 2)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The fast network's weights, as the trainer writes them."""
    from idc.networks.models import build_model
    from idc.networks.weights import save_weights

    model = build_model("fast")
    path = tmp_path_factory.mktemp("run") / "best.weights.h5"
    save_weights(model, path)
    return model, path


def changed(saved, tmp_path, change):
    """A copy of the file after ``change(h5py.File)``."""
    path = tmp_path / "best.weights.h5"
    path.write_bytes(saved[1].read_bytes())
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def load(path, sha256=None):
    from idc.networks.weights import load_model

    return load_model(path, "fast", sha256 or file_sha256(path))


def replaced(file, value):
    del file[KERNEL]
    file[KERNEL] = value


def test_saved_weights_round_trip_exactly(saved):
    model, path = saved
    loaded = load(path)

    assert len(loaded.weights) == len(model.weights)
    for ours, theirs in zip(model.get_weights(), loaded.get_weights(), strict=True):
        assert ours.tobytes() == theirs.tobytes()


def test_saved_weights_contain_no_optimizer_state(saved):
    names = []
    with h5py.File(saved[1]) as file:
        file.visit(names.append)

    assert KERNEL in names
    assert not [name for name in names if name.startswith("optimizer")]


def test_flipped_bit_is_detected(saved, tmp_path):
    content = bytearray(saved[1].read_bytes())
    content[len(content) // 2] ^= 1
    path = tmp_path / "best.weights.h5"
    path.write_bytes(content)

    with pytest.raises(PredictionError, match="damaged on disk"):
        load(path, file_sha256(saved[1]))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda file: file.move(KERNEL, "layers/dense/vars/9"), "'layers/dense/vars/0' is missing"),
        (
            lambda file: file.create_dataset("layers/extra/vars/0", data=np.zeros(3)),
            "'layers/extra/vars/0' is unknown",
        ),
        (
            lambda file: replaced(file, np.zeros((2, 64), np.float32)),
            r"'layers/dense/vars/0' is float32 \(2, 64\) instead of float32 \(64, 2\)",
        ),
        (
            lambda file: replaced(file, np.zeros((64, 2), np.float64)),
            r"'layers/dense/vars/0' is float64 \(64, 2\) instead of float32 \(64, 2\)",
        ),
    ],
    ids=["name", "one too many", "shape", "dtype"],
)
def test_weights_of_another_network_are_rejected_despite_valid_hash(
    saved, tmp_path, change, sentence
):
    with pytest.raises(PredictionError, match=f"do not fit the network 'fast': {sentence}"):
        load(changed(saved, tmp_path, change))


def test_file_other_than_hdf5_is_rejected(tmp_path):
    path = tmp_path / "best.weights.h5"
    path.write_bytes(b"these are words")

    with pytest.raises(PredictionError, match="do not fit the network 'fast'"):
        load(path)


def test_missing_file_is_a_sentence(tmp_path):
    with pytest.raises(PredictionError, match="are missing"):
        load(tmp_path / "best.weights.h5", "0" * 64)
