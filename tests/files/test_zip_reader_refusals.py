"""idc.files.zip_reader: what it refuses; at least everything that `zipfile` refuses."""

import struct
import tracemalloc
import zipfile
import zlib
from io import BytesIO

import pytest

import idc.files.zip_reader
from idc.files.zip_reader import ZipReader
from tests.support.zip_bytes import (
    MAX_BYTES,
    REFUSALS,
    directory_offset,
    patched,
    readable_members,
    zip_bytes,
)


def test_changed_byte_is_never_read_where_zipfile_refuses(opened):
    whole = zip_bytes({"one": b"first", "two": b"2" * 50}, compression=zipfile.ZIP_DEFLATED)
    accepted = []
    for position in range(len(whole)):
        for pattern in (0x01, 0xFF):
            damaged = patched(whole, position, bytes([whole[position] ^ pattern]))
            try:
                ours = readable_members(opened(damaged))
            except (*REFUSALS, NotImplementedError):
                continue
            if not ours.items() <= zipfile_members(damaged).items():
                accepted.append((position, pattern))

    assert accepted == []


def zipfile_members(content):
    """The members that `zipfile` reads: path -> bytes."""
    found = {}
    with zipfile.ZipFile(BytesIO(content)) as archive:
        for info in archive.infolist():
            try:
                found[info.filename] = archive.read(info)
            except REFUSALS:
                continue
    return found


def test_overlapping_members_are_refused(opened):
    reader = opened(overlapping_zip(b"content", copies=3))

    assert list(reader.names()) == ["0", "1", "2"]
    assert readable_members(reader) == {"2": b"content"}  # the innermost one overlaps with nothing


def overlapping_zip(content, copies):
    """A zip of nested members: each header is content of the member before."""
    names = [str(number).encode() for number in range(copies)]
    body = content
    offsets, packed = [], []
    for name in reversed(names):
        packed.insert(0, len(body))
        body = local_header(name, body) + body
    for number in range(copies):
        offsets.append(number * 31)
    directory = b"".join(
        b"PK\1\2"
        + struct.pack("<HHHHHHLLLHHHHHLL", 20, 20, 0, 0, 0, 33,
                      zlib.crc32(body[offset + 31 : offset + 31 + size]), size, size,
                      1, 0, 0, 0, 0, 0, offset)
        + name
        for name, offset, size in zip(names, offsets, packed, strict=True)
    )  # fmt: skip
    end = struct.pack("<HHHHLLH", 0, 0, copies, copies, len(directory), len(body), 0)
    return body + directory + b"PK\5\6" + end


def local_header(name, body):
    sizes = (zlib.crc32(body), len(body), len(body))
    return b"PK\3\4" + struct.pack("<HHHHHLLLHH", 20, 0, 0, 0, 33, *sizes, len(name), 0) + name


@pytest.mark.parametrize(
    ("field", "new"),
    [
        (8, b"\1\0"),  # encrypted
        (8, b"\x20\0"),  # a patch of another member
        (8, b"\x40\0"),  # strongly encrypted
        (10, b"\x63\0"),  # an unknown compression method
        (16, b"\0\0\0\0"),  # another checksum
        (20, b"\0\0\0\0"),  # no bytes in the zip
        (20, b"\xff\xff\xff\x7f"),  # 2 GB in the zip
        (24, b"\1\0\0\0"),  # one byte unpacked
        (24, b"\0\0\x10\0"),  # 1 MB unpacked
        (24, b"\xff\xff\xff\x7f"),  # 2 GB unpacked
        (42, b"\4\0\0\0"),  # begins elsewhere
        (42, b"\xff\xff\xff\x7f"),  # begins outside
        (46, b"b"),  # another name than in its header
    ],
)
def test_member_that_differs_from_the_directory_is_refused(opened, field, new):
    whole = zip_bytes({"a": b"content"}, compression=zipfile.ZIP_DEFLATED)

    reader = opened(patched(whole, directory_offset(whole) + field, new))

    assert len(reader) == 1
    with pytest.raises(REFUSALS):
        reader.read(0, MAX_BYTES)


def test_truncated_stored_member_is_refused(opened):
    whole = zip_bytes({"a": b"content"})
    size = struct.pack("<L", 6)
    at = directory_offset(whole)

    reader = opened(patched(patched(whole, at + 20, size), at + 24, size))

    with pytest.raises(zipfile.BadZipFile):
        reader.read(0, MAX_BYTES)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_member_larger_than_declared_is_refused_in_little_memory(opened, method):
    whole = zip_bytes({"a": bytes(8_000_000)}, compression=method)
    reader = opened(patched(whole, directory_offset(whole) + 24, struct.pack("<L", 100)))

    tracemalloc.start()
    with pytest.raises(zipfile.BadZipFile):
        reader.read(0, 1_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 5_000_000  # bzip2 works in blocks of 900 kB, of which it keeps four


def test_member_above_the_size_limit_is_refused(opened):
    reader = opened(zip_bytes({"fits": bytes(100), "large": bytes(101)}))

    assert reader.read(0, 100) == bytes(100)
    with pytest.raises(zipfile.BadZipFile):
        reader.read(1, 100)


@pytest.mark.parametrize(
    ("field", "new", "error"),
    [
        (0, b"PK\7\7", zipfile.BadZipFile),  # not a directory entry
        (6, b"\x40", NotImplementedError),  # for a newer reader
        (8, b"\0\x08", UnicodeDecodeError),  # a name declared as UTF-8
        (28, b"\xff", zipfile.BadZipFile),  # a name longer than the directory
        (30, b"\1\0", zipfile.BadZipFile),  # an extra field longer than the directory
    ],
)
def test_damaged_directory_refuses_the_whole_zip(opened, field, new, error):
    whole = zip_bytes({"a": b"content"})
    at = directory_offset(whole)
    damaged = patched(whole, at + field, new)
    if field == 8:
        damaged = patched(damaged, at + 46, b"\xff")

    with pytest.raises(error):
        opened(damaged)


@pytest.mark.parametrize("entry", [0, 1, 25, 49])
def test_damage_anywhere_in_a_directory_of_several_blocks_is_refused(opened, monkeypatch, entry):
    monkeypatch.setattr(idc.files.zip_reader, "_DIRECTORY_BLOCK_BYTES", 200)
    whole = zip_bytes({f"{number:02}": b"" for number in range(50)})
    at = directory_offset(whole) + 48 * entry

    with pytest.raises(zipfile.BadZipFile):
        opened(patched(whole, at + 3, b"\3"))
    with pytest.raises(NotImplementedError):
        opened(patched(whole, at + 6, b"\x40"))
    with pytest.raises(zipfile.BadZipFile):
        opened(patched(whole, at + 28, b"\xff\xff"))


def test_first_fault_of_a_directory_is_reported(opened):
    whole = zip_bytes({"a": b"", "b": b""})
    newer = patched(whole, directory_offset(whole) + 6, b"\x40")

    with pytest.raises(NotImplementedError):
        opened(patched(newer, directory_offset(whole) + 47, b"XX"))


@pytest.mark.parametrize("offset", [2**63, 2**64 - 1])
def test_directory_offset_beyond_the_file_makes_members_unreadable(opened, offset):
    whole = zip_bytes({"a": b"content"})
    at, size = directory_offset(whole), len(whole) - 22 - directory_offset(whole)
    end64 = b"PK\6\6" + struct.pack("<QHHLLQQQQ", 44, 45, 45, 0, 0, 1, 1, size, offset)
    locator = b"PK\6\7" + struct.pack("<LQL", 0, at + size, 1)

    reader = opened(whole[:-22] + end64 + locator + whole[-22:])

    assert len(reader) == 1
    with pytest.raises(zipfile.BadZipFile):
        reader.read(0, MAX_BYTES)


@pytest.mark.parametrize(
    "extra",
    [b"\1\0\4\0" + bytes(4), b"\1\0\0\0", b"\x99\x99\xff\0"],
    ids=["half a number", "no number", "longer than the field"],
)
def test_damaged_extra_field_is_refused(opened, extra):
    info = zipfile.ZipInfo("a")
    info.extra = extra
    with BytesIO() as file:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(info, b"content")
        whole = file.getvalue()
    damaged = patched(whole, directory_offset(whole) + 24, b"\xff\xff\xff\xff")

    with pytest.raises(zipfile.BadZipFile):
        zipfile_members(damaged)
    with pytest.raises(zipfile.BadZipFile):
        opened(damaged)


@pytest.mark.parametrize("disk", [(1, 1), (0, 2)])
def test_zip_on_several_disks_is_refused(opened, disk):
    end64 = b"PK\6\6" + struct.pack("<QHHLLQQQQ", 44, 45, 45, 0, 0, 0, 0, 0, 0)
    locator = b"PK\6\7" + struct.pack("<LQL", disk[0], 0, disk[1])

    with pytest.raises(NotImplementedError):
        opened(end64 + locator + b"PK\5\6" + bytes(18))


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip" * 13, b"PK\5\6" + bytes(17)])
def test_other_content_is_refused_as_zip(opened, content):
    with pytest.raises(zipfile.BadZipFile):
        opened(content)


def test_directory_larger_than_the_file_is_refused(opened):
    whole = zip_bytes({"a": b"content"})

    with pytest.raises(zipfile.BadZipFile):
        opened(patched(whole, len(whole) - 10, b"\xff\xff\xff\x7f"))


def test_zip_truncated_while_open_is_refused(tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(zip_bytes({"a": b"content"}))
    reader = ZipReader(path)
    path.write_bytes(path.read_bytes()[:33])

    with pytest.raises(zipfile.BadZipFile):
        reader.read(0, MAX_BYTES)
    reader.close()


def test_read_from_a_closed_zip_is_refused(opened):
    reader = opened(zip_bytes({"a": b"content"}))
    reader.close()

    with pytest.raises(ValueError):
        reader.read(0, MAX_BYTES)
