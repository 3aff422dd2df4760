"""idc.ingest.kaggle: who is asked with which credentials, against a server that plays Kaggle."""

import base64
import json
import logging

import pytest

from idc.errors import DownloadError
from idc.ingest.kaggle import KaggleRefused, check_login, find_remote_file
from idc.ingest.kaggle_login import parse_login, store_login
from tests.support.fake_kaggle import DOWNLOAD, HELLO, SIGNATURE, Answer

TOKEN = "KGAT_canary0123456789"
OTHER = "KGAT_other00123456789"
KEY = "canarykey0123456789"
JSON = json.dumps({"username": "ada", "key": KEY})
BASIC = "Basic " + base64.b64encode(f"ada:{KEY}".encode()).decode()

STALL_S = 20.0


def asked_with(kaggle):
    return [seen.headers.get("Authorization") for seen in kaggle.seen_by_api]


def test_question_is_the_one_that_kaggles_own_client_asks(kaggle):
    remote = find_remote_file(STALL_S)

    [seen] = kaggle.seen_by_api
    assert (seen.method, seen.path) == ("POST", DOWNLOAD)
    assert json.loads(seen.body) == {
        "ownerSlug": "paultimothymooney",
        "datasetSlug": "breast-histopathology-images",
    }
    assert remote.url == f"{kaggle.storage_url}/archive.zip?{SIGNATURE}"
    assert (remote.size, remote.validator) == (len(kaggle.body), '"first"')
    assert len(remote.md5) == 16
    assert SIGNATURE not in repr(remote)


def test_kaggle_is_asked_at_its_own_address_by_default(monkeypatch):
    from kagglesdk.kaggle_env import KaggleEnv, get_endpoint

    from idc.ingest.kaggle import _client

    monkeypatch.delenv("IDC_KAGGLE_URL", raising=False)
    with _client(None, STALL_S) as client:
        assert client.http_client()._endpoint == get_endpoint(KaggleEnv.PROD)
        assert get_endpoint(KaggleEnv.PROD) == "https://api.kaggle.com"


def test_public_data_set_is_asked_for_without_the_credentials_that_are_set(kaggle, monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
    store_login(parse_login(JSON))

    find_remote_file(STALL_S)

    assert asked_with(kaggle) == [None]


def test_credentials_are_tried_in_kaggles_order_until_one_is_accepted(kaggle, monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", OTHER)
    store_login(parse_login(JSON))
    kaggle.accepted = {BASIC}

    find_remote_file(STALL_S)

    assert asked_with(kaggle) == [None, f"Bearer {OTHER}", BASIC]


def test_stored_token_is_used(kaggle):
    store_login(parse_login(TOKEN))
    kaggle.accepted = {f"Bearer {TOKEN}"}

    find_remote_file(STALL_S)

    assert asked_with(kaggle) == [None, f"Bearer {TOKEN}"]


def test_token_of_kaggles_own_login_is_used(kaggle, monkeypatch, tmp_path):
    folder = tmp_path / ".kaggle"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    login = {
        "refresh_token": "refresh",
        "access_token": TOKEN,
        "access_token_expiration": "2999-01-01T00:00:00+00:00",
    }
    (folder / "credentials.json").write_text(json.dumps(login))
    kaggle.accepted = {f"Bearer {TOKEN}"}

    find_remote_file(STALL_S)

    assert asked_with(kaggle) == [None, f"Bearer {TOKEN}"]


def test_token_too_long_for_a_path_is_used(kaggle, monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", "t" * 400)
    kaggle.accepted = {"Bearer " + "t" * 400}

    find_remote_file(STALL_S)


def test_storage_never_sees_the_credentials(kaggle):
    store_login(parse_login(TOKEN))
    kaggle.accepted = {f"Bearer {TOKEN}"}

    find_remote_file(STALL_S)

    [seen] = kaggle.seen_by_storage
    assert "Authorization" not in seen.headers
    assert TOKEN not in seen.query


def test_refused_credentials_are_named_by_their_source_alone(kaggle, monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
    path = store_login(parse_login(JSON))
    kaggle.accepted = {"nobody"}

    with pytest.raises(KaggleRefused) as caught:
        find_remote_file(STALL_S)

    assert str(caught.value) == (
        f"Kaggle did not accept the credentials (KAGGLE_API_TOKEN, {path}). Create a new token at "
        "https://www.kaggle.com/settings/api."
    )


def test_owner_of_credentials_is_told(kaggle):
    kaggle.accepted = {f"Bearer {TOKEN}", BASIC}

    assert check_login(parse_login(TOKEN)) == "ada"
    assert check_login(parse_login(JSON)) == "ada"
    assert asked_with(kaggle) == [f"Bearer {TOKEN}", BASIC]
    assert {seen.path for seen in kaggle.seen_by_api} == {HELLO}


def test_bad_credentials_are_told(kaggle):
    kaggle.accepted = {BASIC}

    with pytest.raises(KaggleRefused, match=r"Kaggle did not accept the token\."):
        check_login(parse_login(TOKEN))


@pytest.mark.parametrize("status", [429, 500])
def test_credentials_that_cannot_be_checked_now_are_not_called_bad(kaggle, status):
    kaggle.api = [Answer(status=status)]

    with pytest.raises(DownloadError, match="nothing was checked or stored") as caught:
        check_login(parse_login(TOKEN))
    assert not isinstance(caught.value, KaggleRefused)


def test_silent_kaggle_is_not_waited_for_when_credentials_are_checked(kaggle):
    kaggle.api = [Answer(stall_after=-1)]

    with pytest.raises(DownloadError, match="Nothing came from Kaggle"):
        check_login(parse_login(TOKEN), stall_s=0.2)


def test_secret_is_in_no_log_and_no_error(kaggle, caplog, capfd, monkeypatch):
    monkeypatch.setenv("VERBOSE", "true")  # makes the kaggle package print headers
    caplog.set_level(logging.DEBUG)
    kaggle.accepted = {"nobody"}
    store_login(parse_login(TOKEN))

    with pytest.raises(KaggleRefused) as first:
        check_login(parse_login(TOKEN))
    with pytest.raises(KaggleRefused) as second:
        find_remote_file(STALL_S)

    out, err = capfd.readouterr()
    told = [caplog.text, out, err, str(first.value), str(second.value)]
    assert not any(TOKEN in text for text in told)
