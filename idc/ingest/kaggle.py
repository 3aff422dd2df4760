"""The address of the real data set on Kaggle, and whether Kaggle accepts a person's credentials.

- Requests and credentials go through `kagglesdk` (`idc.ingest.kaggle_internals`), the HTTP layer
  of the kaggle package and of kagglehub. `import kaggle` itself signs in on import and refuses to
  work without an account; kagglehub is anonymous only where no credentials are set. The data set
  is public, so the first request is anonymous; only if Kaggle refuses it, each of the credentials
  that are set follows.
- `idc.ingest.resumable_transfer` fetches the bytes (plain HTTP, `requests`): the package's
  downloader hangs forever on a silent connection, accepts a flipped bit, and two of them at once
  corrupt the file.
"""

import contextlib
from collections.abc import Iterator
from typing import NoReturn

import requests

from idc.errors import DownloadError
from idc.ingest.kaggle_internals import (
    fetch_user,
    oauth_token,
    open_client,
    request_data_set,
    token_from_environment,
)
from idc.ingest.kaggle_login import NEW_TOKEN_PAGE, Login, legacy_login
from idc.ingest.resumable_transfer import (
    RemoteFile,
    TransientError,
    raise_if_transient,
    transient_network_errors,
)

OWNER = "paultimothymooney"
DATA_SET = "breast-histopathology-images"


class KaggleRefused(DownloadError):
    """Kaggle refuses these credentials, or anonymous requests."""


def find_remote_file(stall_s: float) -> RemoteFile:
    """Request the address of the data set's zip: anonymously, then with each login that is set.

    Args:
        stall_s: seconds without a byte after which a request fails.

    Raises:
        KaggleRefused: Kaggle refuses all of them.
        DownloadError: there is no such data set, or the response is not understood.
        TransientError: a failure that may pass.
    """
    with contextlib.suppress(KaggleRefused):
        return _request_file(None, stall_s)
    sources = []
    for login in _known_logins(stall_s):
        try:
            return _request_file(login, stall_s)
        except KaggleRefused:
            sources.append(login.source)
    raise KaggleRefused(_refusal_message(sources))


def check_login(login: Login, stall_s: float = 20.0) -> str:
    """The name of the user whose credentials these are.

    Raises:
        KaggleRefused: Kaggle does not accept them.
        DownloadError: Kaggle cannot be reached now.
    """
    try:
        with transient_network_errors(stall_s), open_client(login, stall_s) as client:
            try:
                user = fetch_user(client)
            except requests.HTTPError as error:
                _raise_for_response(error.response)
    except KaggleRefused:
        raise KaggleRefused(_rejection_message(login)) from None
    except TransientError as error:
        raise DownloadError(f"{error.what}: nothing was checked or stored; try again.") from None
    username = user.get("userName") if isinstance(user, dict) else None
    if not username:
        raise KaggleRefused(_rejection_message(login))
    return str(username)


def _request_file(login: Login | None, stall_s: float) -> RemoteFile:
    with transient_network_errors(stall_s), open_client(login, stall_s) as client:
        try:
            # Kaggle redirects to its storage; the redirect is followed without credentials.
            response = request_data_set(client, OWNER, DATA_SET)
        except requests.HTTPError as error:
            _raise_for_response(error.response)
        with response:
            if "text/html" in response.headers.get("Content-Type", ""):
                raise DownloadError(
                    "A web page answered instead of Kaggle: does this network require a login or "
                    "a proxy? Open any page in a browser, then resume."
                )
            return RemoteFile.from_response(response)


def _known_logins(stall_s: float) -> Iterator[Login]:
    """In the kaggle package's order: token, user name with key, OAuth."""
    token, source = token_from_environment()
    if token:
        yield Login(source=source, token=token)
    if legacy := legacy_login():
        yield legacy
    with transient_network_errors(stall_s):
        oauth = oauth_token(stall_s)
    if oauth:
        yield Login(source="kaggle auth login", token=oauth)


def _raise_for_response(response: requests.Response) -> NoReturn:
    """Raise the error that a response without a file stands for."""
    status = _http_status(response)
    raise_if_transient(status, response.headers)
    if response.history:  # Kaggle redirected to its storage, and the storage refused
        raise TransientError(f"Kaggle's storage refused the address (HTTP {status})")
    if status in (401, 403):
        raise KaggleRefused(_refusal_message([]))
    if status == 404:
        raise DownloadError(
            f"Kaggle does not have the data set '{OWNER}/{DATA_SET}' any more (HTTP 404). If you "
            "have its zip or folder, pack that instead."
        )
    raise DownloadError(
        f"Kaggle sent an unexpected response (HTTP {status}). Try again later, or "
        "download the zip in a browser and pack that."
    )


def _http_status(response: requests.Response) -> int:
    """The HTTP status; a response with status 200 may hold an error code in its JSON."""
    if response.status_code >= 400:
        return response.status_code
    try:
        return int(response.json()["code"])
    except (ValueError, KeyError, TypeError):
        return response.status_code


def _rejection_message(login: Login) -> str:
    return f"Kaggle did not accept {login.source}. Create a new token at {NEW_TOKEN_PAGE}."


def _refusal_message(sources: list[str]) -> str:
    if not sources:
        return (
            "Kaggle requires a login, and no credentials are set. Create a token at "
            f"{NEW_TOKEN_PAGE} and enter it here, or save it in ~/.kaggle/access_token."
        )
    return (
        f"Kaggle did not accept the credentials ({', '.join(sources)}). Create a new token at "
        f"{NEW_TOKEN_PAGE}."
    )
