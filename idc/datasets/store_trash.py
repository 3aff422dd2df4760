"""Delete and restore data sets, by way of the trash."""

from filelock import Timeout

from idc.datasets.store import check_store_name, missing_error
from idc.datasets.store_writer import store_lock
from idc.errors import DataError
from idc.files.home import data_dir
from idc.files.trash import DATA_TRASH


def delete_store(name: str) -> None:
    """Move a data set to the trash, also a damaged one.

    Memory maps that are open stay valid: the files keep their contents under another name.

    Raises:
        DataError: there is no such data set, it is being packed, or it cannot be moved.
    """
    if not (data_dir() / check_store_name(name)).is_dir():
        raise missing_error(name)
    try:
        with store_lock(name).acquire(timeout=0):
            DATA_TRASH.delete(name)
    except Timeout as error:
        raise DataError(
            f"The data set '{name}' is being packed; cancel the packing, or wait for it."
        ) from error


def restore_store(name: str) -> None:
    """Move the last deleted data set of that name back.

    Raises:
        DataError: none is in the trash, the name is in use again, or it cannot be moved.
    """
    DATA_TRASH.restore(name)


def deleted_stores() -> list[str]:
    """Names of the data sets in the trash, the last deleted first."""
    return DATA_TRASH.names()
