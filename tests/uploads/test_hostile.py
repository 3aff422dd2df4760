"""Hostile files: each is one sentence, without crash, traceback, written file or much memory."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from idc.errors import UploadError
from idc.uploads.decoder_pool import STANDARD_LIMITS
from idc.uploads.file_batch import batch_files
from idc.uploads.gate import decode_image
from tests.support.hostile_files import (
    GOOD,
    GOOD_PIXELS,
    IMAGE,
    REFUSED,
    bombs_and_polyglots,
    hostile_zips,
    malformed_files,
)

MAX_RISE_BYTES = 64 * 2**20
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT

_opened_to_write: list[str] = []
_watching: list[bool] = []


def _watch(event: str, arguments: tuple) -> None:
    if _watching and event == "open" and (arguments[2] or 0) & _WRITES:
        _opened_to_write.append(str(arguments[0]))


sys.addaudithook(_watch)


@contextlib.contextmanager
def writing_nothing() -> Iterator[None]:
    """Check that this process opens no file for writing; its children cannot."""
    _opened_to_write.clear()
    _watching.append(True)
    try:
        yield
    finally:
        _watching.clear()
    assert set(_opened_to_write) <= {os.devnull}  # stdin and stdout of the decoders


@pytest.fixture(autouse=True)
def no_file_or_output_remains(tmp_path, monkeypatch, capfd, caplog) -> Iterator[None]:
    for name in ("TMPDIR", "HOME", "IDC_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    yield
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


def sentence_of(data: bytes, name: str) -> str:
    """The sentence that refuses an image, checked to be one; "" for a decoded image."""
    with writing_nothing():
        try:
            image = decode_image(data, name)
        except UploadError as error:
            return checked(str(error))
    assert image.rgb.ndim == 3 and image.rgb.shape[2] == 3 and image.rgb.size > 0
    return ""


def checked(sentence: str) -> str:
    assert sentence.isprintable() and sentence.endswith(".") and ". " not in sentence
    assert 20 < len(sentence) < 250 and "Traceback" not in sentence and "Error" not in sentence
    return sentence


def zip_sentences(data: bytes, name: str) -> set[str]:
    """The messages about a zip and its members."""
    sentences = set()
    with writing_nothing():
        for file in batch_files([(name, data)]):
            try:
                decode_image(file.read(), file.name, patch_side_px=400)
            except UploadError as error:
                sentences.add(checked(str(error)))
    return sentences


def test_writing_a_file_is_detected(tmp_path):
    with pytest.raises(AssertionError), writing_nothing():
        (tmp_path / "a").write_bytes(b"a")
    (tmp_path / "a").unlink()


def good_image_works() -> bool:
    return decode_image(GOOD).rgb.tolist() == GOOD_PIXELS


def memory() -> int:
    """Bytes of this process in memory."""
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def test_hostile_set_has_the_documented_size():
    assert len(malformed_files()) >= 200
    assert len(bombs_and_polyglots()) >= 30
    assert len(hostile_zips()) >= 25


def test_time_limit_is_below_five_seconds():
    assert STANDARD_LIMITS.time_s < 5  # includes the decoder's start and a retry


def test_malformed_files_are_refused_or_decoded_completely():
    refusals = {name: sentence_of(data, name) for name, data in malformed_files().items()}

    assert sum(bool(sentence) for sentence in refusals.values()) >= 200
    # JPEG and lossy WebP have no checksum, BMP and raw TIFF no structure that damage could break.
    for name, sentence in refusals.items():
        if not sentence:
            assert not name.endswith(("-png", ".png")), name
    assert good_image_works()


@pytest.mark.parametrize("name", bombs_and_polyglots())
def test_bomb_is_refused_and_polyglot_yields_only_the_image(name):
    outcome, data = bombs_and_polyglots()[name]

    assert bool(sentence_of(data, name)) == (outcome == REFUSED)
    if outcome == IMAGE:
        assert decode_image(data).rgb.size <= 6
    assert good_image_works()


@pytest.mark.parametrize("name", hostile_zips())
def test_hostile_zip_is_refused_in_one_sentence(name):
    expected, data = hostile_zips()[name]

    sentences = zip_sentences(data, f"{name}.zip")

    assert len(sentences) == 1 and expected in sentences.pop()
    assert good_image_works()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_server_memory_stays_bounded_over_the_hostile_set():
    files = [*malformed_files().items(), *((n, d) for n, (_, d) in bombs_and_polyglots().items())]
    zips = hostile_zips()
    assert good_image_works()
    before = memory()

    for name, data in files:
        sentence_of(data, name)
    for name, (_, data) in zips.items():
        zip_sentences(data, name)

    assert memory() - before <= MAX_RISE_BYTES
    assert good_image_works()
