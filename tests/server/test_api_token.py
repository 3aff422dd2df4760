"""idc.server.api_token: the token is set in one of two places, and nobody gets in without it."""

import pytest

from idc.errors import ConfigError
from idc.processes.environment import API_TOKEN_VARIABLE
from idc.server.api_token import TOKEN_FILE_VARIABLE, api_token, is_authorized

TOKEN = "canary-7f3a9c51e2d8"


@pytest.fixture(autouse=True)
def unset(monkeypatch):
    monkeypatch.delenv(API_TOKEN_VARIABLE, raising=False)
    monkeypatch.delenv(TOKEN_FILE_VARIABLE, raising=False)


def test_door_is_closed_unless_somebody_opens_it(monkeypatch):
    assert api_token() is None
    monkeypatch.setenv(API_TOKEN_VARIABLE, "  ")
    assert api_token() is None


def test_token_comes_from_the_variable_or_else_from_the_file(monkeypatch, tmp_path):
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    monkeypatch.setenv(TOKEN_FILE_VARIABLE, str(file))
    assert api_token() == TOKEN
    file.write_text("another-token-0123456789")
    assert api_token() == "another-token-0123456789"  # without a restart
    monkeypatch.setenv(API_TOKEN_VARIABLE, TOKEN)
    assert api_token() == TOKEN


@pytest.mark.parametrize("token", ["short", "fifteen-signs-x", "two words of a token", "ä" * 20])
def test_token_that_is_none_is_refused_without_being_repeated(monkeypatch, token):
    monkeypatch.setenv(API_TOKEN_VARIABLE, token)

    with pytest.raises(ConfigError, match="16 to 500") as caught:
        api_token()

    assert token not in str(caught.value)


def test_missing_file_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv(TOKEN_FILE_VARIABLE, str(tmp_path / "gone"))

    with pytest.raises(ConfigError, match="cannot be read"):
        api_token()


@pytest.mark.parametrize("header", [f"Bearer {TOKEN}", f"bearer  {TOKEN}", f"BEARER {TOKEN} "])
def test_bearer_of_the_token_comes_in(header):
    assert is_authorized(header, TOKEN)


@pytest.mark.parametrize(
    "header",
    ["", TOKEN, "Bearer", f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer é"],
)
def test_nobody_else_does(header):
    assert not is_authorized(header, TOKEN)
