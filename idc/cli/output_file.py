"""Files that a command writes where the user asks: whole, or not at all."""

from pathlib import Path

from idc.errors import IdcError
from idc.files import atomic


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
