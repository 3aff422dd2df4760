"""The digest that identifies a model: of its arrays, not of the file that contains them.

Two files of equal weights differ: Keras counts layers in each process and writes the counted names
into the file's attributes. The path of an array within the file does not count them.
"""

import functools
import hashlib
from pathlib import Path

import h5py
import numpy as np

from idc.files.atomic import file_sha256


def model_sha256(path: Path) -> str:
    """The hex digest of all arrays of a ``.weights.h5`` file, in the order of their paths.

    Of each array enter: its path in the file, its dtype (as NumPy writes it, little-endian), its
    shape and its bytes in C order.

    Raises:
        OSError: the file cannot be read.
    """
    digest = hashlib.sha256()

    def add(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset):
            values = np.asarray(item[()])
            little = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
            digest.update(f"{name} {little.dtype.str} {values.shape}\n".encode())
            digest.update(little.tobytes())

    with h5py.File(path, "r") as file:
        file.visititems(add)  # in the order of the paths
    return digest.hexdigest()


def weights_model_sha256(path: Path, sha256: str) -> str:
    """`model_sha256` of a weights file whose own digest is known; "" if it is not that file."""
    try:
        stat = path.stat()
        return _known_model_sha256(path, stat.st_mtime_ns, stat.st_size, sha256)
    except OSError:
        return ""


@functools.lru_cache(maxsize=64)
def _known_model_sha256(path: Path, mtime_ns: int, size: int, sha256: str) -> str:
    return model_sha256(path) if file_sha256(path) == sha256 else ""
