"""Files that a command writes where the user asks: whole, or not at all."""

import os
from pathlib import Path

from idc.errors import IdcError
from idc.files import atomic


def check_outputs(*targets: str | Path | None) -> None:
    """Find before the work what would prevent writing its results.

    Args:
        targets: files to write; None and "-" (standard output) are ignored.

    Raises:
        IdcError: a folder is missing or read-only, or the target is a folder.
    """
    for target in targets:
        if target is not None and str(target) != "-":
            _check_output(Path(target))


def _check_output(path: Path) -> None:
    try:
        if path.is_dir():
            raise IdcError(f"'{path}' is a folder; give the name of a file.")
        if not path.parent.is_dir():
            raise IdcError(
                f"'{path}' cannot be written, because there is no folder '{path.parent}'; create "
                "it or choose another path."
            )
        if not path.exists() and not os.access(path.parent, os.W_OK):
            raise IdcError(
                f"'{path}' cannot be written, because the folder is read-only; choose another path."
            )
    except (OSError, ValueError) as error:  # too long, no access, a zero byte
        reason = error.strerror if isinstance(error, OSError) else error
        raise IdcError(f"'{path}' cannot be written ({reason}); choose another path.") from error


def write_output(path: Path, content: bytes) -> None:
    """Write a file; devices and pipes are written directly.

    Raises:
        IdcError: it cannot be written; an earlier file of that name is unchanged.
    """
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            path.write_bytes(content)
        else:
            atomic.replace_file(path, content)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise IdcError(
            f"'{path}' cannot be written ({reason}); make room or choose another path."
        ) from error
