"""A few arrays in one file, written atomically. Only plain numbers: reading executes no code."""

import io
import zipfile
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from idc.errors import DataError
from idc.files import atomic

# Raised by zipfile for flipped bytes, an unknown compression method or a password.
_DAMAGE_ERRORS = (
    *(OSError, ValueError, EOFError, NotImplementedError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error),
)


def write_arrays(path: Path, **arrays: npt.ArrayLike) -> None:
    """Write arrays by name as a compressed NumPy archive.

    Raises:
        DataError: the disk is full, or the folder cannot be written.
    """
    content = io.BytesIO()
    named = {name: np.asarray(array) for name, array in arrays.items()}
    np.savez_compressed(content, allow_pickle=False, **named)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.replace_file(path, content.getvalue())
    except OSError as error:
        raise DataError(
            f"'{path}' could not be written ({error.strerror}); make room or check the folder's "
            "rights."
        ) from error


def read_arrays(path: Path, content: bytes | None = None) -> dict[str, np.ndarray]:
    """Read a file that `write_arrays` wrote.

    Args:
        content: of the file, if it has been read already.

    Raises:
        DataError: the file is missing or damaged.
    """
    try:
        content = path.read_bytes() if content is None else content
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            intact = archive.testzip() is None  # compares every member with its checksum
        if intact:
            with np.load(io.BytesIO(content), allow_pickle=False) as saved:
                return {name: saved[name] for name in saved.files}
    except _DAMAGE_ERRORS as error:
        raise DataError(f"'{path.name}' is missing or damaged.") from error
    raise DataError(f"'{path.name}' is damaged.")
