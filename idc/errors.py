"""Errors whose message is a sentence for the user.

Every message states what is wrong and what to do; pages show it with ``st.error`` and the shell
prints it, both unchanged. Any other exception is a bug.
"""

import contextlib
from collections.abc import Iterator


class IdcError(Exception):
    """Root of all errors that the user can act on."""


class DataError(IdcError):
    """A source cannot be packed, or a store cannot be opened or verified."""


class SplitError(IdcError):
    """The data cannot be split with these settings."""


class ConfigError(IdcError):
    """A setting lies outside its range."""


class RunError(IdcError):
    """A run does not exist, is damaged, or is in the wrong state for the action."""


class DamagedFile(RunError):
    """A file of a run is gone or differs from its checksum."""


@contextlib.contextmanager
def write_errors_as_run_error(what: str) -> Iterator[None]:
    """Raise errors of writing a run's files as `RunError`.

    Args:
        what: the subject of the sentence: "The folds" (could not be written ...).

    Raises:
        RunError: instead of the system's `OSError`.
    """
    try:
        yield
    except OSError as error:
        raise RunError(
            f"{what} could not be written ({error.strerror}); make room or check the folder's "
            "rights."
        ) from error


class LabelError(IdcError):
    """A mark on a label cannot be stored, or labels cannot be judged from these predictions."""


class UploadError(IdcError):
    """A visitor's file was refused."""


class SlideError(IdcError):
    """A whole-slide file cannot be read, or access to it is not allowed."""


class UploadTimeout(UploadError):
    """A visitor's file was refused because reading it took too long."""


class ServerBusy(UploadError):
    """A visitor's file was refused because the server is busy; it can be sent again later."""


class PredictionError(IdcError):
    """The model could not predict."""


class GameError(IdcError):
    """A round cannot be drawn or read, or a score cannot be saved."""


class DownloadError(IdcError):
    """The data set could not be fetched, or the downloaded bytes are not the expected ones."""


def file_error_sentence(error: OSError) -> str | None:
    """What the system refuses, as a sentence; None if the error names neither file nor reason."""
    if not error.strerror:
        return None
    if error.filename is None:
        return f"The system refuses to read or write a file ({error.strerror})."
    return (
        f"'{error.filename}' cannot be read or written ({error.strerror}); check the disk and the "
        "file's permissions."
    )
