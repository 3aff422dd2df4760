"""The private parts of kagglesdk that `idc.ingest.kaggle_internals` uses still exist."""

import inspect
from importlib import import_module
from importlib.metadata import version

import pytest
import requests

from idc.ingest.kaggle_internals import open_client

STALL_S = 20.0


@pytest.mark.parametrize("name", ["_endpoint", "_signed_in", "_session"])
def test_kagglesdk_client_has_the_private_attribute(name):
    from kagglesdk import KaggleClient

    http = KaggleClient().http_client()

    assert hasattr(http, name), f"kagglesdk {version('kagglesdk')}: no KaggleHttpClient.{name}"


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("kagglesdk", "KaggleClient"),
        ("kagglesdk.kaggle_env", "KaggleEnv.PROD"),
        ("kagglesdk.kaggle_env", "get_access_token_from_env"),
        ("kagglesdk.kaggle_creds", "KaggleCredentials.load"),
        ("kagglesdk.kaggle_creds", "KaggleCredentials.get_access_token"),
        ("kagglesdk.kaggle_http_client", "KaggleHttpClient.BearerAuth"),
        ("kagglesdk.kaggle_http_client", "KaggleHttpClient.call"),
        ("kagglesdk.models.types.model_api_service", "ApiGetModelRequest"),
        ("kagglesdk.datasets.types.dataset_api_service", "ApiDownloadDatasetRequest"),
    ],
)
def test_kagglesdk_has_the_name(module, name):
    found = import_module(module)
    for part in name.split("."):
        assert hasattr(found, part), f"kagglesdk {version('kagglesdk')}: no {module}.{name}"
        found = getattr(found, part)


def test_kagglesdk_call_has_the_expected_parameters():
    from kagglesdk.kaggle_http_client import KaggleHttpClient

    assert list(inspect.signature(KaggleHttpClient.call).parameters) == [
        "self",
        "service_name",
        "request_name",
        "request",
        "response_type",
    ]


def test_endpoint_is_kaggle_by_default(monkeypatch):
    monkeypatch.delenv("IDC_KAGGLE_URL", raising=False)
    with open_client(None, STALL_S) as client:
        assert client.http_client()._endpoint == "https://api.kaggle.com"


def test_anonymous_client_ignores_credentials_in_the_environment(monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", "KGAT_canary0123456789")
    with open_client(None, STALL_S) as client:
        assert client.http_client()._session.auth is None


def test_private_session_sends_with_the_timeout(monkeypatch):
    timeouts = []

    def send(_adapter, _request, **settings):
        timeouts.append(settings["timeout"])
        return requests.Response()

    with open_client(None, STALL_S) as client:
        adapter = client.http_client()._session.get_adapter("https://api.kaggle.com")
        monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
        adapter.send(requests.Request("GET", "https://api.kaggle.com").prepare())

    assert timeouts == [STALL_S]
