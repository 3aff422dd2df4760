"""The token of the HTTP API. Without one the API is disabled.

The operator sets it in the environment variable `API_TOKEN_VARIABLE`, or in a file whose path is
in `TOKEN_FILE_VARIABLE` (container secrets). Nothing here logs or shows it.
"""

import hashlib
import hmac
import os
import re
from pathlib import Path

from idc.errors import ConfigError
from idc.processes.environment import API_TOKEN_VARIABLE

TOKEN_FILE_VARIABLE = "IDC_API_TOKEN_FILE"

_TOKEN = re.compile(r"[!-~]{16,500}")  # printable ASCII, valid in a header
_MAX_FILE_BYTES = 10_000
_BEARER = re.compile(r"bearer +(\S+) *", re.IGNORECASE)


def api_token() -> str | None:
    """The token that callers must send; None if the API is disabled.

    A file is read at each call, so a new token takes effect without a restart.

    Raises:
        ConfigError: the token is unusable or its file unreadable. The message does not contain it.
    """
    token, source = os.environ.get(API_TOKEN_VARIABLE, "").strip(), API_TOKEN_VARIABLE
    path = os.environ.get(TOKEN_FILE_VARIABLE, "").strip()
    if not token and path:
        token, source = _from_file(Path(path).expanduser()), f"the file in {TOKEN_FILE_VARIABLE}"
    elif not token:
        return None
    if not _TOKEN.fullmatch(token):
        raise ConfigError(
            f"The token in {source} is invalid: it must be 16 to 500 letters, digits and symbols "
            "without spaces. To create one: openssl rand -hex 32."
        )
    return token


def is_authorized(header: str, token: str) -> bool:
    """Whether an ``Authorization`` header contains the token, compared in constant time.

    Args:
        header: the header's value, "" if it is missing.
        token: from `api_token`.
    """
    match = _BEARER.fullmatch(header)
    return hmac.compare_digest(_digest(match[1] if match else ""), _digest(token))


def _digest(text: str) -> bytes:
    """A digest of fixed length, so that the comparison does not reveal the token's length."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


def _from_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_FILE_BYTES).decode("ascii", "replace").strip()
    except OSError as error:
        raise ConfigError(
            f"The file in {TOKEN_FILE_VARIABLE} cannot be read ({error.strerror}); check its path "
            "and permissions."
        ) from error
