"""Adapter to ``kagglesdk``, the HTTP layer of the kaggle package, and its private parts.

No other module imports the package, and it is imported on use.
`tests/ingest/test_kaggle_internals.py` names the part that a new version no longer has.
"""

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter

from idc.ingest.kaggle_login import Login
from idc.ingest.resumable_transfer import USER_AGENT
from idc.processes.environment import KAGGLE_TOKEN_VARIABLE

if TYPE_CHECKING:
    from kagglesdk import KaggleClient

# Another address of Kaggle's API: a mirror, or a fake server in a test.
ENDPOINT_VARIABLE = "IDC_KAGGLE_URL"


@contextlib.contextmanager
def open_client(login: Login | None, stall_s: float) -> Iterator["KaggleClient"]:
    """A client with these credentials, or none, and with a read timeout.

    Args:
        login: without it the client is anonymous, even if the package could find credentials.
        stall_s: timeout in seconds of the connection and of each read; the client sets none.
    """
    from kagglesdk import KaggleClient
    from kagglesdk.kaggle_env import KaggleEnv
    from kagglesdk.kaggle_http_client import KaggleHttpClient

    client = KaggleClient(env=KaggleEnv.PROD, user_agent=USER_AGENT)
    http = client.http_client()
    if endpoint := os.environ.get(ENDPOINT_VARIABLE, "").strip():
        http._endpoint = endpoint.rstrip("/")
    http._signed_in = login is not None  # keeps the client from searching for credentials
    with client:
        session = http._session
        if login is not None and login.token:
            session.auth = KaggleHttpClient.BearerAuth(login.token)
        elif login is not None:
            session.auth = (login.username, login.key)
        for scheme in ("https://", "http://"):
            session.mount(scheme, _TimeoutAdapter(stall_s))
        yield client


def fetch_user(client: "KaggleClient") -> Any:
    """The JSON answer about the owner of the client's credentials.

    Raises:
        requests.HTTPError: an HTTP status of 400 or more, or an error in the JSON.
    """
    from kagglesdk.models.types.model_api_service import ApiGetModelRequest

    # kagglesdk has no method for this service; kagglehub calls it in the same way.
    return client.http_client().call(
        "api.v1.DiagnosticsService", "Hello", ApiGetModelRequest(), _JsonResponse
    )


def request_data_set(client: "KaggleClient", owner: str, data_set: str) -> requests.Response:
    """The response to a request for the zip of a data set; its body is not read yet.

    Raises:
        requests.HTTPError: an HTTP status of 400 or more, or an error in the JSON.
    """
    from kagglesdk.datasets.types.dataset_api_service import ApiDownloadDatasetRequest

    request = ApiDownloadDatasetRequest()
    request.owner_slug, request.dataset_slug = owner, data_set
    response: requests.Response = client.datasets.dataset_api_client.download_dataset(request)
    return response


def token_from_environment() -> tuple[str | None, str]:
    """(token or None, its source for people), from the variable or the token file."""
    from kagglesdk.kaggle_env import get_access_token_from_env

    try:
        token, source = get_access_token_from_env()
    except OSError:  # it tests whether the variable is a path, and a token may exceed a path
        return os.environ.get(KAGGLE_TOKEN_VARIABLE), KAGGLE_TOKEN_VARIABLE
    return token, str(source)


def oauth_token(stall_s: float) -> str | None:
    """The token of ``kaggle auth login``, renewed if expired; None without a valid one."""
    from kagglesdk.kaggle_creds import KaggleCredentials

    with open_client(None, stall_s) as client:
        credentials = KaggleCredentials.load(client)
        try:
            return credentials.get_access_token() if credentials else None
        except requests.HTTPError:
            return None


class _JsonResponse:
    """A response type of the client that returns the parsed JSON."""

    prepare_from = staticmethod(lambda response: response.json())


class _TimeoutAdapter(HTTPAdapter):
    """Sets a timeout on each request."""

    def __init__(self, stall_s: float) -> None:
        super().__init__()
        self._stall_s = stall_s

    def send(self, request: Any, **settings: Any) -> requests.Response:
        """Send with the timeout."""
        return super().send(request, **{**settings, "timeout": self._stall_s})
