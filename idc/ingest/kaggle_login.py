"""Kaggle credentials: find those that are set, and store those that a person enters.

They are stored where the kaggle package looks for them, readable by their owner only (mode 0600),
so its command line can use them too. This module does not contact Kaggle (`idc.ingest.kaggle`
does) and never shows a secret: a `Login` prints its source only.
"""

import contextlib
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from idc.errors import DownloadError
from idc.files import atomic
from idc.processes.environment import KAGGLE_TOKEN_VARIABLE

NEW_TOKEN_PAGE = "https://www.kaggle.com/settings/api"
MAX_LOGIN_BYTES = 10_000


# Valid in a header: printable ASCII without blanks.
_SECRET = re.compile(r"[!-~]{10,500}")
_USERNAME = re.compile(r"[A-Za-z0-9_-]{1,100}")


@dataclass(frozen=True)
class Login:
    """A token, or a user name with its key.

    Attributes:
        source: a variable's name or a file, for messages.
    """

    source: str
    token: str | None = field(default=None, repr=False)
    username: str | None = field(default=None, repr=False)
    key: str | None = field(default=None, repr=False)


def parse_login(text: str) -> Login:
    """Parse a token or the content of a ``kaggle.json``.

    Raises:
        DownloadError: the text is neither. The message does not repeat it.
    """
    text = text.strip()
    if text.startswith("{"):
        return _parse_kaggle_json(text, "the kaggle.json")
    if not _SECRET.fullmatch(text):
        raise DownloadError(
            "This is not a Kaggle token, which is 10 to 500 characters without blanks. Copy it "
            f"again from {NEW_TOKEN_PAGE}."
        )
    return Login(source="the token", token=text)


def store_login(login: Login) -> Path:
    """Write credentials where the kaggle package looks for them. Returns the file.

    Raises:
        DownloadError: the file cannot be written.
    """
    if login.token:
        path, content = token_path(), login.token + "\n"
    else:
        path = kaggle_json_path()
        content = json.dumps({"username": login.username, "key": login.key}) + "\n"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        atomic.replace_file(path, content.encode(), mode=0o600)
    except OSError as error:
        raise DownloadError(
            f"'{path}' cannot be written ({error.strerror}); check the folder's permissions."
        ) from error
    return path


def forget_login() -> None:
    """Remove the stored token and the stored ``kaggle.json``."""
    for path in stored_logins():
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # not empty
            path.parent.rmdir()


def stored_logins() -> list[Path]:
    """The existing credential files."""
    return [path for path in (token_path(), kaggle_json_path()) if path.exists()]


def login_variables() -> list[str]:
    """The environment variables that hold credentials."""
    found = [KAGGLE_TOKEN_VARIABLE] if os.environ.get(KAGGLE_TOKEN_VARIABLE) else []
    if os.environ.get("KAGGLE_USERNAME") and os.environ.get("KAGGLE_KEY"):
        found.append("KAGGLE_KEY")
    return found


def legacy_login() -> Login | None:
    """User name and key, from the environment, else from ``kaggle.json``; None without either.

    The kaggle package searches two places for that file, its HTTP layer another; this searches all.
    """
    username, key = os.environ.get("KAGGLE_USERNAME"), os.environ.get("KAGGLE_KEY")
    if username and key:
        return Login(source="KAGGLE_KEY", username=username, key=key)
    path = kaggle_json_path()
    try:
        return _parse_kaggle_json(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError, DownloadError):
        return None  # missing or unusable


def token_path() -> Path:
    """The token file of the kaggle package."""
    return Path.home() / ".kaggle" / "access_token"


def kaggle_json_path() -> Path:
    """The ``kaggle.json`` of the kaggle package: the existing one, else the default path."""
    chosen = os.environ.get("KAGGLE_CONFIG_DIR")
    if chosen:
        return Path(chosen).expanduser() / "kaggle.json"
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    usual = Path.home() / ".kaggle" / "kaggle.json"
    other = config / "kaggle" / "kaggle.json"
    return other if other.exists() and not usual.exists() else usual


def _parse_kaggle_json(text: str, source: str) -> Login:
    try:
        content = json.loads(text)
        username, key = content["username"], content["key"]
        good = bool(_USERNAME.fullmatch(username) and _SECRET.fullmatch(key))
    except (ValueError, KeyError, TypeError, RecursionError):
        good = False
    if not good:
        raise DownloadError(
            f"This is not a kaggle.json: it must hold a 'username' and a 'key'. Get a new one from "
            f"{NEW_TOKEN_PAGE}."
        ) from None
    return Login(source=source, username=username, key=key)
