"""Load weights safely: the architecture from our own name, the numbers after all checks."""

import tempfile
from pathlib import Path

import h5py
import keras

from idc.errors import PredictionError
from idc.files.atomic import file_sha256
from idc.networks.models import build_model

_Layout = dict[str, tuple[tuple[int, ...], str]]  # name in the file -> shape, dtype


def load_model(path: Path, network: str, sha256: str) -> keras.Model:
    """Build a network and load its weights.

    A ``.keras`` file from elsewhere can run code when loaded; a checked file of weights cannot.

    Args:
        path: a ``.weights.h5`` file. Where its digest is another, its predecessor may have it: a
            trainer was cut off between new weights and their digest.
        network: as `idc.networks.models.build_model` names it.
        sha256: the hex digest that it must have.

    Raises:
        PredictionError: the file is missing, its digest differs, or the name, shape or dtype of one
            of its arrays is not the network's.
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
    model = build_model(network)
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
    """Where the weights before the ones at ``path`` are kept."""
    return path.with_name(f"before.{path.name}")


def save_weights(model: keras.Model, path: Path) -> None:
    """Write the weights alone, without the optimizer's state, as `load_model` wants them."""
    plain = build_model(model.name)
    plain.set_weights(model.get_weights())
    plain.save_weights(path)


def _layout(path: Path) -> _Layout:
    found: _Layout = {}

    def note(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = (item.shape, str(item.dtype))

    with h5py.File(path, "r") as file:
        file.visititems(note)
    return found


def _expected_layout(model: keras.Model) -> _Layout:
    # Keras' own names in the file are no attribute of the model; what it writes itself tells them.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "own.weights.h5"
        model.save_weights(path)
        return _layout(path)


def _layout_mismatch(found: _Layout, wanted: _Layout) -> str:
    """The first difference in words; empty when there is none."""
    for name in sorted(wanted.keys() | found.keys()):
        if name not in found:
            return f"'{name}' is missing"
        if name not in wanted:
            return f"'{name[:100]}' is none of its arrays"
        if found[name] != wanted[name]:
            (shape, dtype), (own_shape, own_dtype) = found[name], wanted[name]
            return f"'{name}' is {dtype} {shape} instead of {own_dtype} {own_shape}"
    return ""
