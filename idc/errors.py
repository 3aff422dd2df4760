"""Errors with a sentence for the person in front of the screen.

Every message states what is wrong and what to do, so that a page shows it with ``st.error`` and
the shell prints it, both unchanged. Anything that is not an `IdcError` is a bug.
"""

import contextlib
from collections.abc import Iterator


class IdcError(Exception):
    """Root of all errors that the visitor can do something about."""


class DataError(IdcError):
    """A source cannot be packed, or a store cannot be opened or verified."""


class SplitError(IdcError):
    """The data cannot be split as asked."""


class ConfigError(IdcError):
    """A setting lies outside its range."""


class RunError(IdcError):
    """A run does not exist, is damaged, or is in the wrong state for what was asked."""


@contextlib.contextmanager
def write_errors_as_run_error(what: str) -> Iterator[None]:
    """Turn a full or forbidden disk into a sentence, for what belongs to a run.

    Args:
        what: could not be written; it begins the sentence.

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
    """A whole-slide file cannot be read, or may not be."""


class UploadTimeout(UploadError):
    """A visitor's file was refused because reading it took too long."""


class ServerBusy(UploadError):
    """A visitor's file was refused because others' files fill the server; it may come again."""


class PredictionError(IdcError):
    """The model could not answer."""


class GameError(IdcError):
    """A round cannot be drawn or read, or a score not be kept."""


class DownloadError(IdcError):
    """The data set could not be fetched, or what arrived is not what it should be."""
