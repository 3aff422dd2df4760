"""idc.files.zip_reader: what it reads."""

import struct
import zipfile
from io import BytesIO

import pytest

import idc.files.zip_reader
from idc.files.zip_reader import DirectoryTooLarge, TooManyMembers, ZipReader
from tests.support.zip_bytes import (
    FILES,
    MAX_BYTES,
    directory_offset,
    patched,
    readable_members,
    zip_bytes,
)


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_members_of_every_compression_are_read(opened, method):
    reader = opened(zip_bytes(FILES, compression=method))

    assert len(reader) == 3
    assert readable_members(reader) == FILES


def test_folders_are_not_members(opened):
    reader = opened(zip_bytes({"8863/": b"", "8863/0/": b"", "8863/0/a": b"a", "z/": b""}))

    assert list(reader.names()) == ["8863/0/a"]
    assert reader.read(0, MAX_BYTES) == b"a"


def test_two_members_of_one_name_are_both_read(opened):
    with BytesIO() as file:
        with zipfile.ZipFile(file, "w") as archive, pytest.warns(UserWarning):
            archive.writestr("a", b"old")
            archive.writestr("a", b"new")
        reader = opened(file.getvalue())

    assert [reader.read(number, MAX_BYTES) for number in (0, 1)] == [b"old", b"new"]


class Stream(BytesIO):
    """A file that cannot be rewound, as when a server writes a zip while it sends it."""

    def seekable(self):
        return False

    def tell(self):
        raise OSError("a stream")


def test_streamed_zip_with_sizes_after_the_members_is_read(opened):
    stream = Stream()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in FILES.items():
            archive.writestr(name, content)
    content = stream.getvalue()
    assert content[14:26] == bytes(12)  # no checksum and no size in the first header

    assert readable_members(opened(content)) == FILES


def test_64_bit_records_are_read(opened, monkeypatch):
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 20)
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)
    content = zip_bytes(FILES)
    assert b"PK\6\6" in content
    assert b"\1\0\x18\0" in content or b"\1\0\x10\0" in content  # an extra field with sizes

    assert readable_members(opened(content)) == FILES


@pytest.mark.parametrize("first", [b"#!/bin/sh: I unpack myself\n", b"PK\3\4" * 9])
def test_bytes_before_the_zip_are_skipped(opened, first):
    assert readable_members(opened(first + zip_bytes(FILES))) == FILES


@pytest.mark.parametrize("comment", [b"made by hand", b"PK\5\6", bytes(65_535)])
def test_comment_at_the_end_is_skipped(opened, comment):
    with BytesIO() as file:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("a", b"content")
            archive.comment = comment
        content = file.getvalue()

    if comment == b"PK\5\6":  # looks like the end: zipfile is misled as well
        with pytest.raises(zipfile.BadZipFile):
            opened(content)
    else:
        assert readable_members(opened(content)) == {"a": b"content"}


@pytest.mark.parametrize("extra", [4, 64, 65, 300])
def test_header_with_more_extra_fields_than_the_directory_is_read(opened, extra):
    whole = zip_bytes({"a": b"content"})
    field = struct.pack("<HH", 0x9999, extra - 4) + bytes(extra - 4)
    grown = whole[:28] + struct.pack("<H", extra) + b"a" + field + whole[31:]
    at = directory_offset(whole) + extra
    grown = patched(grown, len(grown) - 6, struct.pack("<L", at))

    assert readable_members(opened(grown)) == {"a": b"content"}


def test_zip_in_memory_is_read_like_one_on_disk(opened):
    whole = zip_bytes(FILES, compression=zipfile.ZIP_DEFLATED)

    assert readable_members(ZipReader(whole)) == readable_members(opened(whole)) == FILES


def test_directory_lists_size_method_kind_and_encryption():
    info = zipfile.ZipInfo("link")
    info.create_system, info.external_attr = 3, 0o120777 << 16
    with BytesIO() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("folder/", b"")
            archive.writestr("a", bytes(1_000))
            archive.writestr(info, b"a")
        whole = file.getvalue()
    reader = ZipReader(patched(whole, directory_offset(whole) + 46 + 7 + 8, b"\1"))
    members = reader.members()

    assert (reader.entries, reader.found.members, reader.found.shift) == (3, 3, 0)
    assert members.size.tolist() == [1_000, 1]
    assert members.method.tolist() == [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED]
    assert members.kind.tolist() == [0, 10]  # unknown, as `writestr` leaves it, and a link
    assert members.encrypted().tolist() == [True, False]
    assert members.room.tolist() == members.packed.tolist()  # side by side


def test_member_limit_is_applied_to_the_listing():
    whole = zip_bytes({"a/": b"", "b": b"", "c": b""})

    assert len(ZipReader(whole, max_members=3)) == 2
    with pytest.raises(TooManyMembers):
        ZipReader(whole, max_members=2)


def test_directory_above_the_size_limit_is_refused():
    whole = zip_bytes({"a": b"", "b": b""})  # an entry has 46 bytes and its name

    assert len(ZipReader(whole, max_directory_bytes=94)) == 2
    with pytest.raises(DirectoryTooLarge):
        ZipReader(whole, max_directory_bytes=93)


class Counted(bytes):
    """Bytes that count how many of them were copied."""

    copied = 0

    def __getitem__(self, where):
        piece = super().__getitem__(where)
        Counted.copied += len(piece) if isinstance(where, slice) else 1
        return piece


def test_thousands_of_extra_fields_are_skipped_without_copies():
    numbers = struct.pack("<HHQQQ", 1, 24, 7, 5, 3)  # unpacked, packed, offset
    extra = Counted(b"\x99\x99\0\0" * 16_000 + numbers)
    unknown = 0xFFFF_FFFF

    assert idc.files.zip_reader._zip64_values(extra, unknown, unknown, unknown) == (5, 7, 3)
    assert Counted.copied <= len(extra)


def test_names_are_decoded_by_the_encoding_of_their_member(opened):
    whole = zip_bytes({"ü": b"", "a": b""})  # zipfile marks the first as UTF-8
    at = directory_offset(whole)

    assert list(opened(whole).names()) == ["ü", "a"]
    assert list(opened(patched(whole, at + 8, b"\0\0")).names()) == ["├╝", "a"]  # as code page 437


@pytest.mark.parametrize("block", [100, 101, 150, 1_000])
def test_directory_is_read_in_blocks_of_any_size(opened, monkeypatch, block):
    files = {f"{number}/{'n' * (number % 40)}": b"%d" % number for number in range(50)}
    monkeypatch.setattr(idc.files.zip_reader, "_DIRECTORY_BLOCK_BYTES", block)

    reader = opened(zip_bytes({"folder/": b"", **files, "last/": b""}))

    assert readable_members(reader) == {
        name: content for name, content in files.items() if name[-1] != "/"
    }
    assert reader.entries == 52
