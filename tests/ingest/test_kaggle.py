"""idc.ingest.kaggle: which requests carry which credentials, against a fake Kaggle."""

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


def authorizations(kaggle):
    return [seen.headers.get("Authorization") for seen in kaggle.api_requests]


def test_request_equals_that_of_kaggles_own_client(kaggle):
    remote = find_remote_file(STALL_S)

    [seen] = kaggle.api_requests
    assert (seen.method, seen.path) == ("POST", DOWNLOAD)
    assert json.loads(seen.body) == {
        "ownerSlug": "paultimothymooney",
        "datasetSlug": "breast-histopathology-images",
    }
    assert remote.url == f"{kaggle.storage_url}/archive.zip?{SIGNATURE}"
    assert (remote.size, remote.validator) == (len(kaggle.body), '"first"')
    assert len(remote.md5) == 16
    assert SIGNATURE not in repr(remote)


def test_public_data_set_is_requested_without_credentials(kaggle, monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
    store_login(parse_login(JSON))

    find_remote_file(STALL_S)

    assert authorizations(kaggle) == [None]


def test_credentials_are_tried_in_kaggles_order(kaggle, monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", OTHER)
    store_login(parse_login(JSON))
    kaggle.accepted = {BASIC}

    find_remote_file(STALL_S)

    assert authorizations(kaggle) == [None, f"Bearer {OTHER}", BASIC]


def test_stored_token_is_used(kaggle):
    store_login(parse_login(TOKEN))
    kaggle.accepted = {f"Bearer {TOKEN}"}

    find_remote_file(STALL_S)

    assert authorizations(kaggle) == [None, f"Bearer {TOKEN}"]


def test_token_of_kaggle_auth_login_is_used(kaggle, monkeypatch, tmp_path):
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

    assert authorizations(kaggle) == [None, f"Bearer {TOKEN}"]


def test_token_too_long_for_a_path_is_used(kaggle, monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", "t" * 400)
    kaggle.accepted = {"Bearer " + "t" * 400}

    find_remote_file(STALL_S)


def test_storage_never_receives_the_credentials(kaggle):
    store_login(parse_login(TOKEN))
    kaggle.accepted = {f"Bearer {TOKEN}"}

    find_remote_file(STALL_S)

    [seen] = kaggle.storage_requests
    assert "Authorization" not in seen.headers
    assert TOKEN not in seen.query


def test_refused_credentials_are_named_by_their_source(kaggle, monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
    path = store_login(parse_login(JSON))
    kaggle.accepted = {"none"}

    with pytest.raises(KaggleRefused) as caught:
        find_remote_file(STALL_S)

    assert str(caught.value) == (
        f"Kaggle did not accept the credentials (KAGGLE_API_TOKEN, {path}). Create a new token at "
        "https://www.kaggle.com/settings/api."
    )


def test_owner_of_credentials_is_returned(kaggle):
    kaggle.accepted = {f"Bearer {TOKEN}", BASIC}

    assert check_login(parse_login(TOKEN)) == "ada"
    assert check_login(parse_login(JSON)) == "ada"
    assert authorizations(kaggle) == [f"Bearer {TOKEN}", BASIC]
    assert {seen.path for seen in kaggle.api_requests} == {HELLO}


def test_invalid_credentials_are_refused(kaggle):
    kaggle.accepted = {BASIC}

    with pytest.raises(KaggleRefused, match=r"Kaggle did not accept the token\."):
        check_login(parse_login(TOKEN))


@pytest.mark.parametrize("status", [429, 500])
def test_credentials_are_not_refused_during_a_server_error(kaggle, status):
    kaggle.api = [Answer(status=status)]

    with pytest.raises(DownloadError, match="nothing was checked or stored") as caught:
        check_login(parse_login(TOKEN))
    assert not isinstance(caught.value, KaggleRefused)


def test_credentials_check_ends_after_the_read_timeout(kaggle):
    kaggle.api = [Answer(stall_after=-1)]

    with pytest.raises(DownloadError, match="Kaggle sent nothing for"):
        check_login(parse_login(TOKEN), stall_s=0.2)


def test_secret_is_in_no_log_and_no_error(kaggle, caplog, capfd, monkeypatch):
    monkeypatch.setenv("VERBOSE", "true")  # makes the kaggle package print headers
    caplog.set_level(logging.DEBUG)
    kaggle.accepted = {"none"}
    store_login(parse_login(TOKEN))

    with pytest.raises(KaggleRefused) as first:
        check_login(parse_login(TOKEN))
    with pytest.raises(KaggleRefused) as second:
        find_remote_file(STALL_S)

    out, err = capfd.readouterr()
    messages = [caplog.text, out, err, str(first.value), str(second.value)]
    assert not any(TOKEN in text for text in messages)
