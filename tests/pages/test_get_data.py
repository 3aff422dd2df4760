"""Home's download of the real data set, from the offer to every result."""

import json
import stat
from dataclasses import replace
from functools import partial

import pytest

from idc.datasets.store import list_stores
from idc.ingest import download
from idc.ingest.download import DownloadJob, DownloadStatus, download_status, hold_lock
from idc.ui.home import get_data
from tests.support.app_pages import open_page, text
from tests.support.made_patches import tiny_store

CANARY = "KGAT_canary0123456789"
UNDER_WAY = DownloadStatus(
    "idc", phase="fetching", here=1_240_000_000, total=3_300_000_000, bytes_per_s=24e6, left_s=85
)


@pytest.fixture(autouse=True)
def no_credentials(kaggle, home):
    """Send every request to the fake Kaggle server."""


def left_by(status):
    """A download with this status."""
    with hold_lock():
        download.record_job(DownloadJob())
        download.write_status(status)


def keys(at):
    return [button.key for button in at.button if button.key]


def unescaped(value):
    return value.replace("\\", "")


def test_offer_states_download_size_and_disk_space():
    at = open_page("home")

    assert "get_data" in keys(at)
    assert "277,524 patches of 279 slides" in text(at)
    assert "Download: about 3.3 GB." in text(at)
    assert "Disk space: about 5.4 GB during packing, 2.1 GB afterwards" in text(at)
    assert " are free." in text(at)
    assert not at.exception


def test_offer_disappears_once_the_full_set_is_installed(monkeypatch):
    tiny_store("mine", cases=2, per_case=6)
    assert "get_data" in keys(open_page("home"))

    monkeypatch.setattr(get_data, "full_set_size", lambda: 12)
    assert "get_data" not in keys(open_page("home"))


@pytest.mark.slow  # starts a process
def test_button_downloads_and_packs_the_data_set(monkeypatch):
    monkeypatch.setattr(get_data, "DownloadJob", partial(DownloadJob, expected=3))
    tiny_store("idc")

    at = open_page("home")
    at.button(key="get_data").click().run()
    while download_status().live:
        at.run()
    at.run()

    assert list_stores() == ["idc", "idc-2"]
    assert at.success[0].value.startswith(
        "The real data set is installed as **idc-2**. Downloaded, checked and packed 3 patches"
    )
    assert "**idc-2**: 3 patches of 1 cases" in unescaped(text(at))

    at.button(key="dismiss_download").click().run()
    assert not at.success
    assert not at.exception


def test_running_download_shows_amount_speed_and_time_left():
    left_by(UNDER_WAY)
    with hold_lock():
        at = open_page("home")

    [progress] = at.get("progress")
    assert progress.proto.text == "Fetching 1.2 GB of 3.3 GB · 24.0 MB/s · 1 min 25 s left"
    assert progress.proto.value == 37
    assert "get_data" not in keys(at)


def test_waiting_download_shows_its_reason_and_the_kept_part():
    reason = "The connection to Kaggle was interrupted; trying again in 8 s"
    left_by(replace(UNDER_WAY, phase="waiting", reason=reason))
    with hold_lock():
        at = open_page("home")

    assert f"{reason}. 1.2 GB are kept." in unescaped(text(at))


def test_stop_button_disappears_after_a_click():
    left_by(UNDER_WAY)
    with hold_lock():
        at = open_page("home")
        at.button(key="stop_download").click().run()

        assert download.stop_requested()
        assert "stop_download" not in keys(at)
        assert "Stopping. The part downloaded so far is kept." in text(at)


def test_killed_download_can_be_resumed():
    left_by(UNDER_WAY)

    at = open_page("home")

    assert at.warning[0].value.startswith("The download process ended unexpectedly")
    assert {"go_on", "give_up"} <= set(keys(at))
    assert at.get("progress")[0].proto.text == "1.2 GB of 3.3 GB downloaded"


def test_discarding_a_download_shows_the_offer_again(home):
    left_by(replace(UNDER_WAY, state="stopped", reason="Stopped."))
    (home / "download" / download.PART_FILE).write_bytes(b"what arrived")

    at = open_page("home")
    at.button(key="give_up").click().run()

    assert "get_data" in keys(at)
    assert not (home / "download" / download.PART_FILE).exists()


def test_resumed_download_gets_a_free_name(monkeypatch):
    started = []
    monkeypatch.setattr(download, "_spawn", lambda _lock: started.append(download.read_job().name))
    left_by(replace(UNDER_WAY, state="stopped", reason="Stopped."))
    tiny_store("idc")

    at = open_page("home")
    at.button(key="go_on").click().run()

    assert started == ["idc-2"]
    assert not at.error


def test_resume_without_a_download_shows_an_error(home):
    left_by(replace(UNDER_WAY, state="stopped", reason="Stopped."))
    (home / "download" / "job.json").unlink()

    at = open_page("home")
    at.button(key="go_on").click().run()

    assert at.error[0].value == "There is no download to resume; start one."


def test_refused_download_opens_the_credentials_form():
    left_by(replace(UNDER_WAY, state="failed", reason="Kaggle wants to know.", needs_login=True))

    at = open_page("home")

    assert at.error[0].value == "Kaggle wants to know."
    assert at.expander[0].proto.expanded
    assert "store_kaggle" in keys(at)


# Credentials


def store(at, token):
    at.text_input(key="kaggle_token").set_value(token)
    return at.button(key="store_kaggle").click().run()


def everything_shown(at):
    shown = [str(getattr(element, "proto", element)) for element in at.main]
    return "\n".join([*shown, str(at.session_state._state.filtered_state)])


def test_token_is_verified_stored_and_never_shown(kaggle, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    kaggle.accepted = {f"Bearer {CANARY}"}

    at = store(open_page("home"), CANARY)

    path = tmp_path / ".kaggle" / "access_token"
    assert unescaped(at.success[0].value) == (
        f"Kaggle accepted the credentials of ada. They are stored in {path}."
    )
    assert path.read_text().strip() == CANARY
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for _ in range(2):
        assert CANARY not in everything_shown(at)
        at.run()
    assert at.text_input(key="kaggle_token").value == ""

    at.button(key="forget_kaggle").click().run()
    assert not path.exists()
    assert "forget_kaggle" not in keys(at)


def test_token_refused_by_kaggle_is_not_stored(kaggle, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    kaggle.accepted = {"nobody"}

    at = store(open_page("home"), CANARY)

    assert unescaped(at.error[0].value).startswith("Kaggle did not accept the token.")
    assert list(tmp_path.iterdir()) == []
    assert CANARY not in everything_shown(at)


def test_kaggle_json_is_verified_and_stored(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    content = json.dumps({"username": "ada", "key": CANARY}).encode()

    at = open_page("home")
    at.file_uploader(key="kaggle_json").set_value(("kaggle.json", content, "application/json"))
    at.button(key="store_kaggle").click().run()

    assert json.loads((tmp_path / ".kaggle" / "kaggle.json").read_text())["key"] == CANARY
    assert CANARY not in everything_shown(at)


@pytest.mark.parametrize(
    ("token", "sentence"),
    [
        ("", "Paste a token or choose a kaggle.json."),
        ("two words", "This is not a Kaggle token"),
    ],
)
def test_invalid_credentials_show_an_error_sentence(kaggle, token, sentence):
    at = store(open_page("home"), token)

    assert unescaped(at.error[0].value).startswith(sentence)
    assert kaggle.api_requests == []
    assert not at.exception


def test_credentials_in_the_environment_are_listed_without_a_delete_button(monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", CANARY)

    at = open_page("home")

    assert "The environment variable KAGGLE_API_TOKEN is set on this computer." in unescaped(
        text(at)
    )
    assert "forget_kaggle" not in keys(at)
    assert CANARY not in everything_shown(at)
