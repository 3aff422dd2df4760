"""The token that opens the door for programs. Without one the door is closed.

It is set by whoever starts the server, in the environment variable `API_TOKEN_VARIABLE`, or in a
file whose path is in `TOKEN_FILE_VARIABLE` (as containers hand out secrets). Nothing here logs or
shows it.
"""

import hashlib
import hmac
import os
import re
from pathlib import Path

from idc.errors import ConfigError
from idc.processes.environment import API_TOKEN_VARIABLE

TOKEN_FILE_VARIABLE = "IDC_API_TOKEN_FILE"

_TOKEN = re.compile(r"[!-~]{16,500}")  # what goes into a header
_MAX_FILE_BYTES = 10_000
_BEARER = re.compile(r"bearer +(\S+) *", re.IGNORECASE)


def api_token() -> str | None:
    """The token that callers have to bring; None where the door is closed.

    A file is read each time, so that a new token counts without a restart.

    Raises:
        ConfigError: one is set, but it is no use. The sentence does not repeat it.
    """
    token, source = os.environ.get(API_TOKEN_VARIABLE, "").strip(), API_TOKEN_VARIABLE
    path = os.environ.get(TOKEN_FILE_VARIABLE, "").strip()
    if not token and path:
        token, source = _from_file(Path(path).expanduser()), f"the file in {TOKEN_FILE_VARIABLE}"
    elif not token:
        return None
    if not _TOKEN.fullmatch(token):
        raise ConfigError(
            f"The token in {source} is not one: it must be a single word of 16 to 500 letters, "
            "digits and signs. This makes one: openssl rand -hex 32."
        )
    return token


def is_authorized(header: str, token: str) -> bool:
    """Whether an ``Authorization`` header brings the token; takes as long whatever it brings.

    Args:
        header: as it came, "" where none did.
        token: of `api_token`.
    """
    match = _BEARER.fullmatch(header)
    return hmac.compare_digest(_digest(match[1] if match else ""), _digest(token))


def _digest(text: str) -> bytes:
    """Of one length, so that comparing says nothing about the token's."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


def _from_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_FILE_BYTES).decode("ascii", "replace").strip()
    except OSError as error:
        raise ConfigError(
            f"The file in {TOKEN_FILE_VARIABLE} cannot be read ({error.strerror}); check its "
            "path and "
            "rights."
        ) from error
