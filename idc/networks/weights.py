"""Load weights safely: build the architecture by name, then load the checked arrays."""

import tempfile
from pathlib import Path

import h5py
import keras

from idc.errors import PredictionError
from idc.files.atomic import file_sha256
from idc.networks.models import build_model
from idc.patches import PATCH_SIZE_PX

_Layout = dict[str, tuple[tuple[int, ...], str]]  # name in the file -> shape, dtype


def load_model(path: Path, network: str, sha256: str, side_px: int = PATCH_SIZE_PX) -> keras.Model:
    """Build a network and load its weights.

    Loading an untrusted ``.keras`` file can run code; loading a checked weights file cannot.

    Args:
        path: a ``.weights.h5`` file. If its digest differs, the previous weights are tried: a
            trainer may have been killed between writing the weights and their digest.
        network: a name known to `idc.networks.models.build_model`.
        sha256: the expected hex digest.
        side_px: side of its patches.

    Raises:
        PredictionError: the file is missing, its digest differs, or the name, shape or dtype of an
            array does not match the network.
    """
    try:
        intact = file_sha256(path) == sha256
        if not intact and previous_weights_path(path).exists():
            path = previous_weights_path(path)
            intact = file_sha256(path) == sha256
    except OSError as error:
        raise PredictionError(f"The weights of '{path.parent.name}' are missing.") from error
    if not intact:
        raise PredictionError(
            f"The weights of '{path.parent.name}' are damaged on disk (their checksum differs); "
            "continue the run to write them again, or choose another run."
        )
    model = build_model(network, side_px)
    try:
        if problem := _layout_mismatch(_layout(path), _expected_layout(model)):
            raise PredictionError(
                f"The weights of '{path.parent.name}' do not fit the network '{network}': "
                f"{problem}."
            )
        model.load_weights(path)
    except (ValueError, KeyError, OSError) as error:
        raise PredictionError(
            f"The weights of '{path.parent.name}' do not fit the network '{network}'."
        ) from error
    return model


def previous_weights_path(path: Path) -> Path:
    """The path of the previous weights, kept beside those at ``path``."""
    return path.with_name(f"before.{path.name}")


def save_weights(model: keras.Model, path: Path) -> None:
    """Write the weights without the optimizer's state, for `load_model`."""
    plain = build_model(model.name, model.input_shape[1])
    plain.set_weights(model.get_weights())
    plain.save_weights(path)


def _layout(path: Path) -> _Layout:
    found: _Layout = {}

    def record(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = (item.shape, str(item.dtype))

    with h5py.File(path, "r") as file:
        file.visititems(record)
    return found


def _expected_layout(model: keras.Model) -> _Layout:
    # The model does not expose the array names that Keras uses in files, so save it and read them.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "own.weights.h5"
        model.save_weights(path)
        return _layout(path)


def _layout_mismatch(found: _Layout, expected: _Layout) -> str:
    """A description of the first difference; empty when there is none."""
    for name in sorted(expected.keys() | found.keys()):
        if name not in found:
            return f"'{name}' is missing"
        if name not in expected:
            return f"'{name[:100]}' is unknown"
        if found[name] != expected[name]:
            (shape, dtype), (own_shape, own_dtype) = found[name], expected[name]
            return f"'{name}' is {dtype} {shape} instead of {own_dtype} {own_shape}"
    return ""
