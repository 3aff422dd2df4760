from types import SimpleNamespace

import numpy as np
import pytest

from idc.errors import RunError
from idc.runs.first_filters import read_first_filters, save_first_filters


def model_with(kernel):
    """What a Keras model looks like to the keeper: weights with a path and a shape."""

    class Weight:
        def __init__(self, path, value):
            self.path, self.value, self.shape = path, value, value.shape

        def __array__(self, dtype=None, copy=None):
            return self.value

    dense = Weight("dense/kernel", np.zeros((5, 2), np.float32))
    return SimpleNamespace(weights=[dense, Weight("conv/kernel", kernel)])


def test_kernels_are_read_in_order_of_epochs(tmp_path):
    kernels = [np.full((3, 3, 3, 2), epoch, np.float32) for epoch in range(3)]
    for epoch in (2, 0, 1):
        save_first_filters(tmp_path, model_with(kernels[epoch]), epoch)

    kept = read_first_filters(tmp_path)

    assert kept.epochs == (0, 1, 2)
    assert np.array_equal(kept.kernels, np.stack(kernels))


def test_repeated_epoch_replaces_its_kernel(tmp_path):
    for value in (1, 2):
        save_first_filters(tmp_path, model_with(np.full((1, 1, 3, 1), value, np.float32)), 4)

    assert read_first_filters(tmp_path).kernels.ravel().tolist() == [2, 2, 2]


def test_many_epochs_are_thinned_keeping_first_and_last(tmp_path):
    for epoch in range(200):
        save_first_filters(tmp_path, model_with(np.zeros((1, 1, 3, 1), np.float32)), epoch)

    epochs = read_first_filters(tmp_path).epochs

    assert (len(epochs), epochs[0], epochs[-1]) == (60, 0, 199)


def test_run_without_kernels_gives_none(tmp_path):
    assert read_first_filters(tmp_path) is None


def test_damaged_file_is_told_in_a_sentence(tmp_path):
    save_first_filters(tmp_path, model_with(np.zeros((1, 1, 3, 1), np.float32)), 0)
    (tmp_path / "first_filters" / "epoch-0000.npy").write_bytes(b"no array")

    with pytest.raises(RunError, match="are damaged on disk"):
        read_first_filters(tmp_path)
