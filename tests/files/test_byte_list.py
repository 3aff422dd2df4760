import pytest

from idc.files.byte_list import BytesList


def test_items_come_back_by_number_and_in_order():
    names = BytesList()
    for item in (b"8863", b"", b"\xff\0", b"a/b"):
        names.append(item)

    assert len(names) == 4
    assert list(names) == [b"8863", b"", b"\xff\0", b"a/b"]
    assert [names[number] for number in (0, 1, 2, 3)] == list(names)
    assert names[1:3] == [b"", b"\xff\0"]


def test_numbers_outside_are_refused():
    names = BytesList()
    names.append(b"only")

    for number in (-1, 1):
        with pytest.raises(IndexError):
            names[number]


def test_some_are_added_at_once():
    names = BytesList()
    names.append(b"a")
    names.extend([b"", b"bc"])
    names.extend([])
    names.append(b"d")

    assert list(names) == [b"a", b"", b"bc", b"d"]
