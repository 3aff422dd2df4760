"""idc.files.zip_reader: what `zipfile` reads it reads, what `zipfile` refuses it refuses, and
more."""

import struct
import tracemalloc
import zipfile
import zlib
from io import BytesIO

import pytest

import idc.files.zip_reader
from idc.files.zip_reader import DirectoryTooLarge, TooManyMembers, ZipReader

MOST = 2**20
REFUSED = (
    zipfile.BadZipFile,
    RuntimeError,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
)


def zip_bytes(members, **how):
    with BytesIO() as file:
        with zipfile.ZipFile(file, "w", **how) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return file.getvalue()


@pytest.fixture
def opened(tmp_path):
    """Opens bytes as a zip on disk; closes all at the end."""
    readers = []

    def open_bytes(content):
        path = tmp_path / f"{len(readers)}.zip"
        path.write_bytes(content)
        readers.append(ZipReader(path))
        return readers[-1]

    yield open_bytes
    for reader in readers:
        reader.close()


def contents(reader):
    """What can be read: path -> bytes."""
    found = {}
    for number, name in enumerate(reader.names()):
        try:
            found[name] = reader.read(number, MOST)
        except REFUSED:
            continue
    return found


def directory_at(content):
    """Where the directory begins, from the zip's last 22 bytes."""
    return struct.unpack("<L", content[-6:-2])[0]


def patched(content, position, new):
    return content[:position] + new + content[position + len(new) :]


FILES = {"8863/0/a.png": b"first" * 30, "b": b"", "ü.txt": b"second"}


# What is read


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_members_come_back_whatever_they_are_packed_with(opened, method):
    reader = opened(zip_bytes(FILES, compression=method))

    assert len(reader) == 3
    assert contents(reader) == FILES


def test_folders_are_no_members(opened):
    reader = opened(zip_bytes({"8863/": b"", "8863/0/": b"", "8863/0/a": b"a", "z/": b""}))

    assert list(reader.names()) == ["8863/0/a"]
    assert reader.read(0, MOST) == b"a"


def test_two_members_of_one_name_are_both_read(opened):
    with BytesIO() as file:
        with zipfile.ZipFile(file, "w") as archive, pytest.warns(UserWarning):
            archive.writestr("a", b"old")
            archive.writestr("a", b"new")
        reader = opened(file.getvalue())

    assert [reader.read(number, MOST) for number in (0, 1)] == [b"old", b"new"]


class Stream(BytesIO):
    """A file that cannot be rewound, as when a server writes a zip while it sends it."""

    def seekable(self):
        return False

    def tell(self):
        raise OSError("a stream")


def test_streamed_zip_has_its_sizes_behind_the_members_and_is_read(opened):
    stream = Stream()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in FILES.items():
            archive.writestr(name, content)
    content = stream.getvalue()
    assert content[14:26] == bytes(12)  # no checksum and no size in the first header

    assert contents(opened(content)) == FILES


def test_64_bit_records_are_read(opened, monkeypatch):
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 20)
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)
    content = zip_bytes(FILES)
    assert b"PK\6\6" in content
    assert b"\1\0\x18\0" in content or b"\1\0\x10\0" in content  # an extra field with sizes

    assert contents(opened(content)) == FILES


@pytest.mark.parametrize("first", [b"#!/bin/sh: I unpack myself\n", b"PK\3\4" * 9])
def test_bytes_before_the_zip_shift_everything(opened, first):
    assert contents(opened(first + zip_bytes(FILES))) == FILES


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
        assert contents(opened(content)) == {"a": b"content"}


@pytest.mark.parametrize("extra", [4, 64, 65, 300])
def test_header_with_more_fields_than_the_directory_is_read_on(opened, extra):
    whole = zip_bytes({"a": b"content"})
    field = struct.pack("<HH", 0x9999, extra - 4) + bytes(extra - 4)
    grown = whole[:28] + struct.pack("<H", extra) + b"a" + field + whole[31:]
    at = directory_at(whole) + extra
    grown = patched(grown, len(grown) - 6, struct.pack("<L", at))

    assert contents(opened(grown)) == {"a": b"content"}


def test_zip_in_memory_is_read_like_one_on_disk(opened):
    whole = zip_bytes(FILES, compression=zipfile.ZIP_DEFLATED)

    assert contents(ZipReader(whole)) == contents(opened(whole)) == FILES


def test_what_the_directory_says_of_its_members():
    info = zipfile.ZipInfo("link")
    info.create_system, info.external_attr = 3, 0o120777 << 16
    with BytesIO() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("folder/", b"")
            archive.writestr("a", bytes(1_000))
            archive.writestr(info, b"a")
        whole = file.getvalue()
    reader = ZipReader(patched(whole, directory_at(whole) + 46 + 7 + 8, b"\1"))
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


def test_directory_no_larger_than_asked_for_is_read():
    whole = zip_bytes({"a": b"", "b": b""})  # an entry has 46 bytes and its name

    assert len(ZipReader(whole, max_directory_bytes=94)) == 2
    with pytest.raises(DirectoryTooLarge):
        ZipReader(whole, max_directory_bytes=93)


class Counted(bytes):
    """Bytes that know how many of them were copied out."""

    copied = 0

    def __getitem__(self, where):
        piece = super().__getitem__(where)
        Counted.copied += len(piece) if isinstance(where, slice) else 1
        return piece


def test_thousands_of_extra_fields_are_passed_over_without_copies():
    numbers = struct.pack("<HHQQQ", 1, 24, 7, 5, 3)  # unpacked, packed, offset
    extra = Counted(b"\x99\x99\0\0" * 16_000 + numbers)
    unknown = 0xFFFF_FFFF

    assert idc.files.zip_reader._zip64_values(extra, unknown, unknown, unknown) == (5, 7, 3)
    assert Counted.copied <= len(extra)


def test_names_are_text_in_the_encoding_that_their_member_tells(opened):
    whole = zip_bytes({"ü": b"", "a": b""})  # zipfile marks the first as UTF-8
    at = directory_at(whole)

    assert list(opened(whole).names()) == ["ü", "a"]
    assert list(opened(patched(whole, at + 8, b"\0\0")).names()) == ["├╝", "a"]  # as code page 437


@pytest.mark.parametrize("block", [100, 101, 150, 1_000])
def test_directory_is_read_in_blocks_wherever_they_end(opened, monkeypatch, block):
    files = {f"{number}/{'n' * (number % 40)}": b"%d" % number for number in range(50)}
    monkeypatch.setattr(idc.files.zip_reader, "_DIRECTORY_BLOCK_BYTES", block)

    reader = opened(zip_bytes({"folder/": b"", **files, "last/": b""}))

    assert contents(reader) == {name: content for name, content in files.items() if name[-1] != "/"}
    assert reader.entries == 52


# What is refused


def test_a_change_of_any_byte_is_never_read_where_zipfile_would_refuse(opened):
    whole = zip_bytes({"one": b"first", "two": b"2" * 50}, compression=zipfile.ZIP_DEFLATED)
    bolder = []
    for position in range(len(whole)):
        for pattern in (0x01, 0xFF):
            damaged = patched(whole, position, bytes([whole[position] ^ pattern]))
            try:
                ours = contents(opened(damaged))
            except (*REFUSED, NotImplementedError):
                continue
            if not ours.items() <= theirs(damaged).items():
                bolder.append((position, pattern))

    assert bolder == []


def theirs(content):
    """What `zipfile` reads."""
    found = {}
    with zipfile.ZipFile(BytesIO(content)) as archive:
        for info in archive.infolist():
            try:
                found[info.filename] = archive.read(info)
            except REFUSED:
                continue
    return found


def test_overlapping_members_are_not_read(opened):
    reader = opened(bomb_of(b"content", copies=3))

    assert list(reader.names()) == ["0", "1", "2"]
    assert contents(reader) == {"2": b"content"}  # the innermost one overlaps with nothing


def bomb_of(content, copies):
    """A zip whose members lie in one another: each header is content of the one before."""
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
        (46, b"b"),  # called otherwise than in its header
    ],
)
def test_member_that_is_not_as_the_directory_says_is_not_read(opened, field, new):
    whole = zip_bytes({"a": b"content"}, compression=zipfile.ZIP_DEFLATED)

    reader = opened(patched(whole, directory_at(whole) + field, new))

    assert len(reader) == 1
    with pytest.raises(REFUSED):
        reader.read(0, MOST)


def test_stored_member_that_is_cut_off_is_not_read(opened):
    whole = zip_bytes({"a": b"content"})
    size = struct.pack("<L", 6)
    at = directory_at(whole)

    reader = opened(patched(patched(whole, at + 20, size), at + 24, size))

    with pytest.raises(zipfile.BadZipFile):
        reader.read(0, MOST)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_member_that_unpacks_to_more_than_it_says_costs_no_memory(opened, method):
    whole = zip_bytes({"a": bytes(8_000_000)}, compression=method)
    reader = opened(patched(whole, directory_at(whole) + 24, struct.pack("<L", 100)))

    tracemalloc.start()
    with pytest.raises(zipfile.BadZipFile):
        reader.read(0, 1_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 5_000_000  # bzip2 works in blocks of 900 kB, of which it keeps four


def test_only_members_of_the_size_asked_for_are_read(opened):
    reader = opened(zip_bytes({"fits": bytes(100), "large": bytes(101)}))

    assert reader.read(0, 100) == bytes(100)
    with pytest.raises(zipfile.BadZipFile):
        reader.read(1, 100)


@pytest.mark.parametrize(
    ("field", "new", "error"),
    [
        (0, b"PK\7\7", zipfile.BadZipFile),  # no entry of a directory
        (6, b"\x40", NotImplementedError),  # for a newer reader
        (8, b"\0\x08", UnicodeDecodeError),  # a name that says it is UTF-8
        (28, b"\xff", zipfile.BadZipFile),  # a name longer than the directory
        (30, b"\1\0", zipfile.BadZipFile),  # an extra field longer than the directory
    ],
)
def test_damaged_directory_is_refused_as_a_whole(opened, field, new, error):
    whole = zip_bytes({"a": b"content"})
    at = directory_at(whole)
    damaged = patched(whole, at + field, new)
    if field == 8:
        damaged = patched(damaged, at + 46, b"\xff")

    with pytest.raises(error):
        opened(damaged)


@pytest.mark.parametrize("entry", [0, 1, 25, 49])
def test_damage_anywhere_in_a_directory_of_several_blocks_is_refused(opened, monkeypatch, entry):
    monkeypatch.setattr(idc.files.zip_reader, "_DIRECTORY_BLOCK_BYTES", 200)
    whole = zip_bytes({f"{number:02}": b"" for number in range(50)})
    at = directory_at(whole) + 48 * entry

    with pytest.raises(zipfile.BadZipFile):
        opened(patched(whole, at + 3, b"\3"))
    with pytest.raises(NotImplementedError):
        opened(patched(whole, at + 6, b"\x40"))
    with pytest.raises(zipfile.BadZipFile):
        opened(patched(whole, at + 28, b"\xff\xff"))


def test_the_first_fault_of_a_directory_is_the_one_that_is_told(opened):
    whole = zip_bytes({"a": b"", "b": b""})
    newer = patched(whole, directory_at(whole) + 6, b"\x40")

    with pytest.raises(NotImplementedError):
        opened(patched(newer, directory_at(whole) + 47, b"XX"))


@pytest.mark.parametrize("offset", [2**63, 2**64 - 1])
def test_directory_said_to_begin_beyond_any_file_leaves_no_member_room(opened, offset):
    whole = zip_bytes({"a": b"content"})
    at, size = directory_at(whole), len(whole) - 22 - directory_at(whole)
    end64 = b"PK\6\6" + struct.pack("<QHHLLQQQQ", 44, 45, 45, 0, 0, 1, 1, size, offset)
    locator = b"PK\6\7" + struct.pack("<LQL", 0, at + size, 1)

    reader = opened(whole[:-22] + end64 + locator + whole[-22:])

    assert len(reader) == 1
    with pytest.raises(zipfile.BadZipFile):
        reader.read(0, MOST)


@pytest.mark.parametrize(
    "extra",
    [b"\1\0\4\0" + bytes(4), b"\1\0\0\0", b"\x99\x99\xff\0"],
    ids=["half a number", "no number", "longer than it is"],
)
def test_damaged_extra_field_is_refused(opened, extra):
    info = zipfile.ZipInfo("a")
    info.extra = extra
    with BytesIO() as file:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(info, b"content")
        whole = file.getvalue()
    damaged = patched(whole, directory_at(whole) + 24, b"\xff\xff\xff\xff")

    with pytest.raises(zipfile.BadZipFile):
        theirs(damaged)
    with pytest.raises(zipfile.BadZipFile):
        opened(damaged)


@pytest.mark.parametrize("disk", [(1, 1), (0, 2)])
def test_zip_on_several_disks_is_refused(opened, disk):
    end64 = b"PK\6\6" + struct.pack("<QHHLLQQQQ", 44, 45, 45, 0, 0, 0, 0, 0, 0)
    locator = b"PK\6\7" + struct.pack("<LQL", disk[0], 0, disk[1])

    with pytest.raises(NotImplementedError):
        opened(end64 + locator + b"PK\5\6" + bytes(18))


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip at all" * 9, b"PK\5\6" + bytes(17)])
def test_what_is_no_zip_is_refused(opened, content):
    with pytest.raises(zipfile.BadZipFile):
        opened(content)


def test_directory_larger_than_the_file_is_refused(opened):
    whole = zip_bytes({"a": b"content"})

    with pytest.raises(zipfile.BadZipFile):
        opened(patched(whole, len(whole) - 10, b"\xff\xff\xff\x7f"))


def test_zip_that_is_cut_off_while_it_is_open_is_noticed(tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(zip_bytes({"a": b"content"}))
    reader = ZipReader(path)
    path.write_bytes(path.read_bytes()[:33])

    with pytest.raises(zipfile.BadZipFile):
        reader.read(0, MOST)
    reader.close()


def test_closed_zip_is_not_read(opened):
    reader = opened(zip_bytes({"a": b"content"}))
    reader.close()

    with pytest.raises(ValueError):
        reader.read(0, MOST)
