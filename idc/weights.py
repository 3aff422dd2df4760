"""Load a run's weights: the architecture from our own name, the numbers after their checksum."""

from pathlib import Path

import keras

from idc.durable import file_sha256
from idc.errors import PredictionError
from idc.models import build_model


def load_model(path: Path, preset: str, sha256: str) -> keras.Model:
    """Build the network ``preset`` and load its weights.

    A ``.keras`` file from elsewhere can run code when loaded; a checked file of weights cannot.

    Args:
        path: a ``.weights.h5`` file.
        sha256: the hex digest that it must have.

    Raises:
        PredictionError: the file is missing, its digest differs, or it does not fit the network.
    """
    try:
        intact = file_sha256(path) == sha256
    except OSError as error:
        raise PredictionError(f"The weights of '{path.parent.name}' are missing.") from error
    if not intact:
        raise PredictionError(
            f"The weights of '{path.parent.name}' are damaged on disk (their checksum differs); "
            "continue the run to write them again, or choose another run."
        )
    model = build_model(preset)
    try:
        model.load_weights(path)
    except (ValueError, KeyError, OSError) as error:
        raise PredictionError(
            f"The weights of '{path.parent.name}' do not fit the network '{preset}'."
        ) from error
    return model
