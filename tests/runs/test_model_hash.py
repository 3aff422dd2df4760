"""idc.runs.model_hash: equal arrays have one digest, whatever file they are in."""

import h5py
import numpy as np
import pytest

from idc.files.atomic import file_sha256
from idc.runs.model_hash import model_sha256, weights_model_sha256

ARRAYS = {"layers/conv2d/vars/0": np.arange(6, dtype="<f4").reshape(2, 3), "vars/1": np.ones(2)}


def write(path, arrays, keras_name="conv2d"):
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = values
        file["layers"].attrs["name"] = keras_name
    return path


def test_names_counted_by_keras_change_the_file_and_not_the_model(tmp_path):
    one = write(tmp_path / "one.h5", ARRAYS, "conv2d")
    other = write(tmp_path / "other.h5", ARRAYS, "conv2d_17")

    assert file_sha256(one) != file_sha256(other)
    assert model_sha256(one) == model_sha256(other)


def test_order_of_writing_and_byte_order_do_not_change_the_model(tmp_path):
    one = write(tmp_path / "one.h5", ARRAYS)
    turned = {name: v.astype(v.dtype.newbyteorder(">")) for name, v in reversed(ARRAYS.items())}
    other = write(tmp_path / "other.h5", turned)

    assert model_sha256(one) == model_sha256(other)


@pytest.mark.parametrize(
    "changed",
    [
        {"layers/conv2d/vars/0": ARRAYS["layers/conv2d/vars/0"].reshape(3, 2)},
        {"layers/conv2d/vars/0": ARRAYS["layers/conv2d/vars/0"].view("<i4")},
        {"layers/conv2d/vars/0": ARRAYS["layers/conv2d/vars/0"] + 1},
        {"layers/conv2d/vars/2": np.ones(2)},
    ],
    ids=["shape", "dtype", "bytes", "another array"],
)
def test_each_difference_of_an_array_changes_the_model(tmp_path, changed):
    one = write(tmp_path / "one.h5", ARRAYS)
    other = write(tmp_path / "other.h5", {**ARRAYS, **changed})

    assert model_sha256(one) != model_sha256(other)


def test_digest_of_another_file_gives_no_model(tmp_path):
    path = write(tmp_path / "one.h5", ARRAYS)

    assert weights_model_sha256(path, file_sha256(path)) == model_sha256(path)
    assert weights_model_sha256(path, "0" * 64) == ""
    assert weights_model_sha256(tmp_path / "none.h5", "") == ""
