import json
import os
import stat
import subprocess
import sys

import pytest

from idc.errors import DownloadError
from idc.ingest.kaggle_login import (
    Login,
    forget_login,
    kaggle_json_path,
    legacy_login,
    login_variables,
    parse_login,
    store_login,
    stored_logins,
)

TOKEN = "KGAT_canary0123456789"
JSON = json.dumps({"username": "ada", "key": "canarykey0123456789"})


@pytest.fixture
def person(tmp_path, monkeypatch):
    """A home folder without credentials."""
    for name in [name for name in os.environ if name.startswith(("KAGGLE_", "XDG_CONFIG"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_token_is_read_without_surrounding_blanks():
    assert parse_login(f"  {TOKEN}\n").token == TOKEN


def test_kaggle_json_is_read():
    login = parse_login(JSON)

    assert (login.token, login.username, login.key) == (None, "ada", "canarykey0123456789")


@pytest.mark.parametrize(
    "text",
    ["", "short", "two words of it", "line\nbreak\r\nInjected: header", "ümlaut-0123456789"],
)
def test_invalid_token_is_refused_without_repeating_it(text):
    with pytest.raises(DownloadError, match="This is not a Kaggle token") as caught:
        parse_login(text)

    assert not text or text not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{}",
        "{" * 100_000,
        '{"username": "ada"}',
        '{"username": "ada", "key": 7}',
        '{"username": "a da", "key": "canarykey0123456789"}',
        '{"username": "ada", "key": "canary key 0123456789"}',
    ],
)
def test_invalid_kaggle_json_is_refused(text):
    with pytest.raises(DownloadError, match=r"This is not a kaggle\.json"):
        parse_login(text)


def test_login_never_shows_its_secret():
    assert repr(Login("the token", token=TOKEN)) == "Login(source='the token')"
    assert "canarykey" not in repr(parse_login(JSON))


@pytest.mark.parametrize("text", [TOKEN, JSON])
def test_stored_file_is_readable_by_its_owner_only(person, text):
    path = store_login(parse_login(text))

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_kaggles_own_code_finds_the_stored_token(person):
    from kagglesdk.kaggle_env import get_access_token_from_env

    store_login(parse_login(TOKEN))

    assert get_access_token_from_env() == (TOKEN, "access_token")


@pytest.mark.slow  # imports the kaggle package in a fresh process
def test_kaggle_package_finds_the_stored_kaggle_json(person):
    store_login(parse_login(JSON))

    found = subprocess.run(
        [sys.executable, "-c", "import kaggle; print(kaggle.api.config_values['username'])"],
        capture_output=True,
        text=True,
    )

    assert found.stdout.strip() == "ada", found.stderr


def test_stored_kaggle_json_is_found(person):
    path = store_login(parse_login(JSON))

    assert stored_logins() == [path] == [person / ".kaggle" / "kaggle.json"]
    assert legacy_login() == Login(str(path), username="ada", key="canarykey0123456789")


def test_kaggle_json_in_the_config_folder_is_replaced_there(person):
    other = person / ".config" / "kaggle" / "kaggle.json"
    other.parent.mkdir(parents=True)
    other.write_text(JSON)
    assert legacy_login().username == "ada"

    assert store_login(parse_login(JSON.replace("ada", "grace"))) == other
    assert legacy_login().username == "grace"


def test_folder_in_the_environment_takes_precedence(person, monkeypatch):
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(person / "elsewhere"))

    assert kaggle_json_path() == person / "elsewhere" / "kaggle.json"


def test_environment_takes_precedence_over_the_file(person, monkeypatch):
    store_login(parse_login(JSON))
    monkeypatch.setenv("KAGGLE_USERNAME", "grace")
    monkeypatch.setenv("KAGGLE_KEY", "otherkey0123456789")

    assert legacy_login().username == "grace"
    assert login_variables() == ["KAGGLE_KEY"]


def test_damaged_kaggle_json_counts_as_missing(person):
    store_login(parse_login(JSON)).write_text("{")

    assert legacy_login() is None


def test_forgetting_removes_only_stored_logins(person):
    store_login(parse_login(TOKEN))
    store_login(parse_login(JSON))
    forget_login()
    assert list(person.iterdir()) == []

    store_login(parse_login(TOKEN))
    (person / ".kaggle" / "notes.txt").write_text("mine")
    forget_login()
    assert [path.name for path in (person / ".kaggle").iterdir()] == ["notes.txt"]


def test_unwritable_folder_raises_download_error(person):
    (person / ".kaggle").write_text("a file in the way")

    with pytest.raises(DownloadError, match=r"access_token' cannot be written") as caught:
        store_login(parse_login(TOKEN))
    assert TOKEN not in str(caught.value)
