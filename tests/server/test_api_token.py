"""idc.server.api_token: where the token is set, and how it is compared."""

import pytest

from idc.errors import ConfigError
from idc.processes.environment import API_TOKEN_VARIABLE
from idc.server.api_token import TOKEN_FILE_VARIABLE, api_token, is_authorized

TOKEN = "canary-7f3a9c51e2d8"


@pytest.fixture(autouse=True)
def unset(monkeypatch):
    monkeypatch.delenv(API_TOKEN_VARIABLE, raising=False)
    monkeypatch.delenv(TOKEN_FILE_VARIABLE, raising=False)


def test_api_is_disabled_without_a_token(monkeypatch):
    assert api_token() is None
    monkeypatch.setenv(API_TOKEN_VARIABLE, "  ")
    assert api_token() is None


def test_token_is_read_from_the_variable_or_else_the_file(monkeypatch, tmp_path):
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    monkeypatch.setenv(TOKEN_FILE_VARIABLE, str(file))
    assert api_token() == TOKEN
    file.write_text("another-token-0123456789")
    assert api_token() == "another-token-0123456789"  # without a restart
    monkeypatch.setenv(API_TOKEN_VARIABLE, TOKEN)
    assert api_token() == TOKEN


@pytest.mark.parametrize("token", ["short", "fifteen-signs-x", "two words of a token", "ä" * 20])
def test_invalid_token_is_refused_without_being_repeated(monkeypatch, token):
    monkeypatch.setenv(API_TOKEN_VARIABLE, token)

    with pytest.raises(ConfigError, match="16 to 500") as caught:
        api_token()

    assert token not in str(caught.value)


def test_missing_token_file_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv(TOKEN_FILE_VARIABLE, str(tmp_path / "gone"))

    with pytest.raises(ConfigError, match="cannot be read"):
        api_token()


@pytest.mark.parametrize("header", [f"Bearer {TOKEN}", f"bearer  {TOKEN}", f"BEARER {TOKEN} "])
def test_header_with_the_token_is_authorized(header):
    assert is_authorized(header, TOKEN)


@pytest.mark.parametrize(
    "header",
    ["", TOKEN, "Bearer", f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer é"],
)
def test_any_other_header_is_refused(header):
    assert not is_authorized(header, TOKEN)
