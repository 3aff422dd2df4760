import numpy as np
import pytest

from idc.errors import DataError
from idc.files.arrays import read_arrays, write_arrays


def test_arrays_come_back_as_they_were(tmp_path):
    write_arrays(tmp_path / "new" / "a.npz", rows=np.array([3, 1]), kind="cases", count=7)

    found = read_arrays(tmp_path / "new" / "a.npz")

    assert found["rows"].tolist() == [3, 1]
    assert (str(found["kind"]), int(found["count"])) == ("cases", 7)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 and no more"])
def test_file_that_is_no_archive_is_one_sentence(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)

    with pytest.raises(DataError, match=r"'a.npz' is missing or damaged"):
        read_arrays(tmp_path / "a.npz")


def test_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(DataError, match="missing or damaged"):
        read_arrays(tmp_path / "a.npz")


def test_no_flipped_byte_is_read_as_a_number(tmp_path):
    path = tmp_path / "a.npz"
    write_arrays(path, values=np.arange(500.0))
    whole = path.read_bytes()
    for place in range(0, len(whole), 3):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            assert read_arrays(path)["values"].tolist() == list(range(500))
        except DataError:
            continue


def test_pickled_objects_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", thing=np.array([{"a": 1}], dtype=object))

    with pytest.raises(DataError, match="damaged"):
        read_arrays(tmp_path / "a.npz")


def test_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(DataError, match="could not be written"):
        write_arrays(tmp_path / "file" / "a.npz", rows=1)
