"""Fixtures of the tests of files."""

import pytest

from idc.files.zip_reader import ZipReader


@pytest.fixture
def opened(tmp_path):
    """A function that opens bytes as a zip on disk; the readers are closed at the end."""
    readers = []

    def open_bytes(content):
        path = tmp_path / f"{len(readers)}.zip"
        path.write_bytes(content)
        readers.append(ZipReader(path))
        return readers[-1]

    yield open_bytes
    for reader in readers:
        reader.close()
