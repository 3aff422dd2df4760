"""Where Kaggle keeps the real data set, and whether it accepts a person's credentials.

What the kaggle package does here, and what it does not:

- The questions (where is the file, whose token is this) and the reading of tokens and OAuth logins
  are its own: the calls of `kagglesdk`, the HTTP layer that the kaggle package and kagglehub share.
  `import kaggle` itself signs in at once, from whatever it finds, and its library refuses to work
  without an account; kagglehub asks anonymously only where no credentials are set. The data set is
  public, so here it is asked for without credentials first, and only if Kaggle refuses, with each
  of those that are set.
- The bytes are fetched by `idc.ingest.resumable_transfer` (plain HTTP, `requests`): the package's
  downloader hangs for ever on a silent line, accepts a flipped bit, and two of them at once spoil
  the file.

The package is imported when it is needed, by this module alone.
"""

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import requests
from requests.adapters import HTTPAdapter

from idc.errors import DownloadError
from idc.ingest.kaggle_login import NEW_TOKEN_PAGE, Login, legacy_login
from idc.ingest.resumable_transfer import (
    USER_AGENT,
    RemoteFile,
    TransientError,
    raise_if_transient,
    transient_network_errors,
)
from idc.processes.environment import KAGGLE_TOKEN_VARIABLE

if TYPE_CHECKING:
    from kagglesdk import KaggleClient
    from kagglesdk.kaggle_http_client import KaggleHttpClient

OWNER = "paultimothymooney"
DATA_SET = "breast-histopathology-images"

# Another address of Kaggle's API: a mirror, or a server that plays Kaggle in a test.
ENDPOINT_VARIABLE = "IDC_KAGGLE_URL"


class KaggleRefused(DownloadError):
    """Kaggle does not answer to these, or to no, credentials."""


def find_remote_file(stall_s: float) -> RemoteFile:
    """Ask Kaggle where the data set's zip is: without credentials, then with each that is set.

    Args:
        stall_s: seconds without an answer after which the question is given up.

    Raises:
        KaggleRefused: it answers to none of them.
        DownloadError: there is no such data set, or the answer makes no sense.
        Trouble: something that may pass.
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
    """Ask Kaggle whose credentials these are. Returns the user's name.

    Raises:
        KaggleRefused: it does not accept them.
        DownloadError: it cannot be asked now.
    """
    try:
        with transient_network_errors(stall_s), _client(login, stall_s) as client:
            answer = _fetch_user(client.http_client())
    except KaggleRefused:
        raise KaggleRefused(_rejection_message(login)) from None
    except TransientError as trouble:
        raise DownloadError(f"{trouble.what}: nothing was checked or stored; try again.") from None
    username = answer.get("userName") if isinstance(answer, dict) else None
    if not username:
        raise KaggleRefused(_rejection_message(login))
    return str(username)


class _JsonResponse:
    """Lets the package's client return an answer's JSON."""

    prepare_from = staticmethod(lambda response: response.json())


class _TimeoutAdapter(HTTPAdapter):
    """Gives each request a time limit; the package's client sets none."""

    def __init__(self, stall_s: float) -> None:
        super().__init__()
        self._stall_s = stall_s

    def send(self, request: Any, **settings: Any) -> requests.Response:
        """Send with the limit, for the connection and for each wait for bytes."""
        return super().send(request, **{**settings, "timeout": self._stall_s})


@contextlib.contextmanager
def _client(login: Login | None, stall_s: float) -> Iterator["KaggleClient"]:
    from kagglesdk import KaggleClient
    from kagglesdk.kaggle_env import KaggleEnv
    from kagglesdk.kaggle_http_client import KaggleHttpClient

    client = KaggleClient(env=KaggleEnv.PROD, user_agent=USER_AGENT)
    http = client.http_client()
    if moved := os.environ.get(ENDPOINT_VARIABLE, "").strip():
        http._endpoint = moved.rstrip("/")
    # By itself the client takes any credentials that it finds. These, or none, are meant.
    http._signed_in = login is not None
    with client:
        session = http._session
        if login is not None and login.token:
            session.auth = KaggleHttpClient.BearerAuth(login.token)
        elif login is not None:
            session.auth = (login.username, login.key)
        for scheme in ("https://", "http://"):
            session.mount(scheme, _TimeoutAdapter(stall_s))
        yield client


def _fetch_user(http: "KaggleHttpClient") -> Any:
    from kagglesdk.models.types.model_api_service import ApiGetModelRequest

    try:
        # There is no binding for this question; kagglehub asks it in the same way.
        return http.call("api.v1.DiagnosticsService", "Hello", ApiGetModelRequest(), _JsonResponse)
    except requests.HTTPError as error:
        _raise_for_response(error.response)


def _request_file(login: Login | None, stall_s: float) -> RemoteFile:
    from kagglesdk.datasets.types.dataset_api_service import ApiDownloadDatasetRequest

    request = ApiDownloadDatasetRequest()
    request.owner_slug, request.dataset_slug = OWNER, DATA_SET
    with transient_network_errors(stall_s), _client(login, stall_s) as client:
        try:
            # It answers with a redirect to its storage, which is followed (without credentials).
            response = client.datasets.dataset_api_client.download_dataset(request)
        except requests.HTTPError as error:
            _raise_for_response(error.response)
        with response:
            if "text/html" in response.headers.get("Content-Type", ""):
                raise DownloadError(
                    "A web page answered in Kaggle's place: does this network want a login or a "
                    "proxy? Open any page in a browser, then go on."
                )
            return RemoteFile.of(response)


def _known_logins(stall_s: float) -> Iterator[Login]:
    """In the kaggle package's order: token, user name with key, OAuth."""
    from kagglesdk.kaggle_env import get_access_token_from_env

    try:
        token, source = get_access_token_from_env()
    except OSError:  # it looks whether the variable is a path, and a token may be too long for one
        token, source = os.environ.get(KAGGLE_TOKEN_VARIABLE), KAGGLE_TOKEN_VARIABLE
    if token:
        yield Login(source=source, token=token)
    if legacy := legacy_login():
        yield legacy
    if oauth := _oauth_token(stall_s):
        yield Login(source="kaggle auth login", token=oauth)


def _oauth_token(stall_s: float) -> str | None:
    """The token of ``kaggle auth login``, renewed when it is old; None without a good one."""
    from kagglesdk.kaggle_creds import KaggleCredentials

    with transient_network_errors(stall_s), _client(None, stall_s) as client:
        login = KaggleCredentials.load(client)
        try:
            return login.get_access_token() if login else None
        except requests.HTTPError:
            return None


def _raise_for_response(response: requests.Response) -> NoReturn:
    """Say what an answer other than a file means."""
    status = _http_status(response)
    raise_if_transient(status, response.headers)
    if response.history:  # Kaggle itself agreed; its storage, to which it sent us, did not
        raise TransientError(f"Kaggle's storage refused the address it was given (HTTP {status})")
    if status in (401, 403):
        raise KaggleRefused(_refusal_message([]))
    if status == 404:
        raise DownloadError(
            f"Kaggle does not know the data set '{OWNER}/{DATA_SET}' any more (HTTP 404). If you "
            "have its zip or folder, pack that instead."
        )
    raise DownloadError(
        f"Kaggle answered in a way that is not understood (HTTP {status}). Try again later, or "
        "download the zip in a browser and pack that."
    )


def _http_status(response: requests.Response) -> int:
    """The HTTP status; an answer may also be 200 and hold an error's number."""
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
            "Kaggle wants to know who asks, and no credentials are set. Create a token at "
            f"{NEW_TOKEN_PAGE} and give it here, or put it into ~/.kaggle/access_token."
        )
    return (
        f"Kaggle did not accept the credentials ({', '.join(sources)}). Create a new token at "
        f"{NEW_TOKEN_PAGE}."
    )
