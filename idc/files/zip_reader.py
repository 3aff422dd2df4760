"""Read a zip's members by number, from several threads, with little memory.

`zipfile` keeps a Python object of some 600 bytes per member and one lock for all reads. The Kaggle
zip has 555,000 members and is decoded on all cores, so its directory is kept in arrays here and
each member is read with one call at its own offset. bench/zip_reader.py measures both readers:
opening takes a sixth of `zipfile`'s processor time (0.5 s, not 3.3 s) and 0.4 of its memory.
What `zipfile` refuses is refused here too, and overlapping members on every Python (CPython refuses
them from 3.11.8 on).
"""

import bz2
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from itertools import compress
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from idc.files.byte_list import BytesList

_EOCD = struct.Struct("<4s4H2LH")
_EOCD_SIGNATURE = b"PK\5\6"
_MAX_COMMENT_BYTES = 2**16 - 1
_ZIP64_EOCD = struct.Struct("<4sQ2H2L4Q")
_ZIP64_LOCATOR = struct.Struct("<4sLQL")
_ENTRY = np.dtype(  # the needed fields of its 46 bytes
    {
        "names": ["version", "flags", "method", "crc", "packed", "size", "extra", "mode", "offset"],
        "formats": ["u1", "<u2", "<u2", "<u4", "<u4", "<u4", "<u2", "<u4", "<u4"],
        "offsets": [6, 8, 10, 16, 20, 24, 30, 38, 42],
        "itemsize": 46,
    }
)
_ENTRY_SIGNATURE = b"PK\1\2"
_ENTRY_LENGTHS = struct.Struct("<4s24x3H")  # signature; lengths of name, extra field, comment
_LOCAL_HEADER = struct.Struct("<4s22x2H")  # signature; lengths of name and extra field
_LOCAL_HEADER_SIGNATURE = b"PK\3\4"
_MEMBER_ROW = struct.Struct("=8q")  # a row of the members' table

_ENCRYPTED, _PATCHED, _STRONGLY_ENCRYPTED, _UTF_8 = 0x01, 0x20, 0x40, 0x800
_KIND_COLUMN, _OFFSET_COLUMN, _LIMIT_COLUMN = 5, 6, 7  # columns of the members' table
_KEPT_FIELDS = ("flags", "method", "crc", "packed", "size", "mode", "offset")
_ZIP64_COLUMNS = [3, 4, 6]  # columns that zip64 widens: packed and unpacked size, offset
_ZIP64_SENTINEL = 0xFFFF_FFFF  # marks a value that is in the zip64 extra field
_NEWEST_VERSION = 63
_READ_CHUNK_BYTES = 4096
_DIRECTORY_BLOCK_BYTES = 2**20  # an entry has less than 2**18
_USUAL_EXTRA_BYTES = 64  # read along with a header, so that most members need one read


class TooManyMembers(zipfile.BadZipFile):
    """The zip lists more members than allowed."""


class DirectoryTooLarge(zipfile.BadZipFile):
    """The zip's directory is larger than allowed."""


class _Directory(NamedTuple):
    start: int  # of the directory in the file
    size: int
    shift: int  # added to all offsets: bytes before the zip itself, as in self-extracting ones
    members: int  # by the end record; modulo 2**16 unless it is a 64-bit one
    records_agree: bool  # the end record and the 64-bit one, where both exist


class Members(NamedTuple):
    """The directory's fields of its members. int64 arrays, one entry per member."""

    flags: np.ndarray
    method: np.ndarray
    packed: np.ndarray  # bytes in the zip
    size: np.ndarray  # bytes unpacked
    room: np.ndarray  # bytes up to the next member, header included
    kind: np.ndarray  # file type as in Unix: 0 unknown, 4 folder, 8 file, 10 link

    def encrypted(self) -> np.ndarray:
        """bool, shape (members,)."""
        return (self.flags & (_ENCRYPTED | _STRONGLY_ENCRYPTED)) != 0


class ZipReader:
    """An open zip. Members other than folders are numbered in the order of the directory.

    Args:
        source: its path, or its bytes.
        max_members: folders included; None for any number.
        max_directory_bytes: a larger directory is not read; None for any size.

    Attributes:
        entries: how many members the directory lists, folders included.
        found: the position of the directory, and the fields of the end record.

    Raises:
        TooManyMembers: more than ``max_members``.
        DirectoryTooLarge: more than ``max_directory_bytes``.
        zipfile.BadZipFile: it is not a zip, or its directory is damaged.
        NotImplementedError: it needs a newer reader, or spans several disks.
        OSError, ValueError: it cannot be opened; a name is not valid in its encoding.
    """

    def __init__(
        self,
        source: Path | bytes,
        *,
        max_members: int | None = None,
        max_directory_bytes: int | None = None,
    ) -> None:
        self._names = BytesList()
        self._bytes = source if isinstance(source, bytes) else None
        self._file: BinaryIO = (
            BytesIO(source) if isinstance(source, bytes) else source.open("rb", buffering=2**20)
        )
        self._max_members = max_members
        try:
            self.found = _find_directory(self._file)
            if max_directory_bytes is not None and self.found.size > max_directory_bytes:
                raise DirectoryTooLarge(f"more than {max_directory_bytes} bytes")
            self._table, self.entries = self._read_directory(self.found)
        except BaseException:
            self._file.close()
            raise

    def __len__(self) -> int:
        return len(self._names)

    def names(self) -> Iterator[str]:
        """Every member's path inside the zip."""
        return map(_decode_name, self._names, self._table[:, 0].tolist())

    def members(self) -> Members:
        """The directory's fields of all members."""
        flags, method, _, packed, size, kind, offset, limit = self._table.T
        names = np.array([len(name) for name in self._names], np.int64)
        room = limit - offset - _LOCAL_HEADER.size - names
        return Members(flags, method, packed, size, room, kind)

    def read(self, number: int, max_bytes: int) -> bytes:
        """One member's bytes, verified by their checksum.

        Args:
            max_bytes: a larger member is refused before it is read.

        Raises:
            zipfile.BadZipFile: too large, overlapping, truncated, or different from its entry.
            RuntimeError: encrypted; NotImplementedError (a subclass): unknown compression.
            zlib.error, lzma.LZMAError, EOFError, OSError, ValueError: damaged, or closed.
        """
        name = self._names[number]
        flags, method, crc, packed, size, _, offset, limit = _MEMBER_ROW.unpack_from(
            self._table.data, number * _MEMBER_ROW.size
        )
        # Compression hardly ever enlarges a file, so such an entry is forged.
        if size > max_bytes or packed > max_bytes + 2**16:
            raise zipfile.BadZipFile("too large")
        if flags & (_ENCRYPTED | _PATCHED | _STRONGLY_ENCRYPTED):
            raise RuntimeError("encrypted, or a patch of another member")
        body = self._compressed_bytes(name, packed, offset, limit - offset)
        if method == zipfile.ZIP_STORED:
            content = body
        elif method == zipfile.ZIP_DEFLATED:
            content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(body, size + 1)
        elif method == zipfile.ZIP_BZIP2:
            content = bz2.BZ2Decompressor().decompress(body, size + 1)
        else:
            content = _decompress_unusual(body, method, crc, size)
        if len(content) != size or zlib.crc32(content) != crc:
            raise zipfile.BadZipFile("not as the directory says")
        return content

    def close(self) -> None:
        """Close the file. Later reads raise ValueError."""
        self._file.close()

    def _compressed_bytes(self, name: bytes, packed: int, offset: int, room: int) -> bytes:
        """A member's packed bytes; header and bytes must fit into ``room`` bytes."""
        min_size = _LOCAL_HEADER.size + len(name) + packed
        if min_size > room:
            raise zipfile.BadZipFile("overlaps with another member, or with the directory")
        block = self._read_at(offset, min(min_size + _USUAL_EXTRA_BYTES, room))
        if len(block) < _LOCAL_HEADER.size:
            raise zipfile.BadZipFile("no member where the directory says")
        signature, name_length, extra_length = _LOCAL_HEADER.unpack_from(block)
        if signature != _LOCAL_HEADER_SIGNATURE:
            raise zipfile.BadZipFile("no member where the directory says")
        if name_length != len(name) or not block.startswith(name, _LOCAL_HEADER.size):
            raise zipfile.BadZipFile("another name than in the directory")
        begin = _LOCAL_HEADER.size + name_length + extra_length
        end = begin + packed
        if end > room:
            raise zipfile.BadZipFile("overlaps with another member, or with the directory")
        if end > len(block):
            block += self._read_at(offset + len(block), end - len(block))
        return block[begin:end]

    def _read_at(self, offset: int, count: int) -> bytes:
        if self._bytes is not None:
            return self._bytes[offset : offset + count]
        return os.pread(self._file.fileno(), count, offset)

    def _read_directory(self, directory: _Directory) -> tuple[np.ndarray, int]:
        """Store the names, and the fields that reading needs.

        Returns:
            int64 (members, 8): flags, method, crc, packed size, unpacked size, kind, offset, and
            the offset of the next member.
            the number of entries, folders included.
        """
        tables, are_files = [np.empty((0, 8), np.int64)], [np.empty(0, bool)]
        entries = 0
        for block, starts, names in _directory_blocks(self._file, directory):
            entries += len(names)
            if self._max_members is not None and entries > self._max_members:
                raise TooManyMembers(f"more than {self._max_members}")
            tables.append(_members_table(block, starts, names, directory))
            is_file = [not name.endswith(b"/") for name in names]
            are_files.append(np.array(is_file))
            self._names.extend(list(compress(names, is_file)))
        table, kept = np.concatenate(tables), np.concatenate(are_files)
        table[:, _LIMIT_COLUMN] = _next_member_offsets(table[:, _OFFSET_COLUMN], directory.start)
        return table[kept], entries


def _directory_blocks(
    file: BinaryIO, directory: _Directory
) -> Iterator[tuple[bytes, list[int], list[bytes]]]:
    """The directory in blocks of whole entries: bytes, the entries' starts, their names.

    Raises:
        zipfile.BadZipFile: it is damaged or truncated; the entries before were yielded.
    """
    file.seek(directory.start)
    left, block = directory.size, b""
    while left or block:
        new = file.read(min(left, _DIRECTORY_BLOCK_BYTES))
        left -= len(new)
        block += new
        starts, names, at = [], [], 0
        while at + _ENTRY.itemsize <= len(block):  # executed half a million times
            signature, name, extra, comment = _ENTRY_LENGTHS.unpack_from(block, at)
            name_at = at + _ENTRY.itemsize
            end = name_at + name + extra + comment
            if signature != _ENTRY_SIGNATURE or end > len(block):
                break
            starts.append(at)
            names.append(block[name_at : name_at + name])
            at = end
        if not starts:
            raise zipfile.BadZipFile("damaged or cut off directory")
        yield block, starts, names
        block = block[at:]


def _members_table(
    block: bytes, starts: list[int], names: list[bytes], directory: _Directory
) -> np.ndarray:
    """The table of some entries of the directory.

    Args:
        starts: offsets of the entries in the block.

    Returns:
        int64 (entries, 8), as in `ZipReader._read_directory`, without the last column.
    """
    windows = np.lib.stride_tricks.sliding_window_view(
        np.frombuffer(block, np.uint8), _ENTRY.itemsize
    )
    entries = windows[starts].view(_ENTRY)[:, 0]
    if (entries["version"] > _NEWEST_VERSION).any():
        raise NotImplementedError(f"zip version {entries['version'].max() / 10}")
    for row in np.flatnonzero(entries["flags"] & _UTF_8).tolist():
        names[row].decode()  # raises, as zipfile does, when it is not UTF-8
    table = np.zeros((len(entries), 8), np.int64)
    for column, field in enumerate(_KEPT_FIELDS):
        table[:, column] = entries[field]
    table[:, _KIND_COLUMN] >>= 28
    with_extra = np.flatnonzero(entries["extra"]).tolist()
    if with_extra:
        lengths, numbers = entries["extra"].tolist(), table[:, _ZIP64_COLUMNS].tolist()
        for row in with_extra:
            begin = starts[row] + _ENTRY.itemsize + len(names[row])
            numbers[row] = _zip64_values(block[begin : begin + lengths[row]], *numbers[row])
        table[:, _ZIP64_COLUMNS] = numbers
    # A forged shift may exceed 63 bits; all members lie outside the file then.
    offsets = table[:, _OFFSET_COLUMN] + max(directory.shift, -(2**63))
    inside = (offsets >= 0) & (offsets < directory.start)
    table[:, _OFFSET_COLUMN] = np.where(inside, offsets, directory.start)  # where no member fits
    return table


def _decompress_unusual(body: bytes, method: int, crc: int, size: int) -> bytes:
    """Unpack LZMA and the other methods that `zipfile` of this Python supports."""
    info = zipfile.ZipInfo()
    info.compress_type, info.CRC = method, crc
    info.compress_size, info.file_size = len(body), size
    with zipfile.ZipExtFile(BytesIO(body), "r", info) as file:
        # In small chunks: it unpacks all that it reads at once, whatever the size of the result.
        return b"".join(iter(lambda: file.read1(_READ_CHUNK_BYTES), b""))


def _next_member_offsets(offsets: np.ndarray, end: int) -> np.ndarray:
    """The offset of the next member in the file. int64 (members,), in the order of ``offsets``."""
    order = np.argsort(offsets, kind="stable")
    limits = np.empty_like(offsets)
    if len(order):
        limits[order[:-1]] = offsets[order[1:]]
        limits[order[-1]] = end
    return limits


def _decode_name(name: bytes, flags: int) -> str:
    # ASCII is the same in both encodings, and UTF-8 decodes faster.
    return name.decode("utf-8" if flags & _UTF_8 or name.isascii() else "cp437")


def _find_directory(file: BinaryIO) -> _Directory:
    """Find the directory from the zip's end, by the 64-bit record if there is one."""
    file_size = file.seek(0, os.SEEK_END)
    tail_start = max(0, file_size - _EOCD.size - _MAX_COMMENT_BYTES)
    file.seek(tail_start)
    tail = file.read()
    at = len(tail) - _EOCD.size  # without a comment, the usual case
    if at < 0 or tail[at : at + 4] != _EOCD_SIGNATURE or tail[-2:] != b"\0\0":
        at = tail.rfind(_EOCD_SIGNATURE)
    if at < 0 or at + _EOCD.size > len(tail):
        raise zipfile.BadZipFile("no end of a directory")
    _, _, _, _, members, size, offset, _ = _EOCD.unpack_from(tail, at)
    end = tail_start + at
    wide, records_agree = _find_zip64_directory(file, end), True
    if wide is not None:
        records_agree = all(
            value in (wide_value, sentinel)
            for value, wide_value, sentinel in zip(
                (members, size, offset),
                wide,
                (2**16 - 1, _ZIP64_SENTINEL, _ZIP64_SENTINEL),
                strict=True,
            )
        )
        members, size, offset = wide
        end -= _ZIP64_LOCATOR.size + _ZIP64_EOCD.size
    start = end - size
    if start < 0:
        raise zipfile.BadZipFile("a directory larger than the file")
    return _Directory(start, size, start - offset, members, records_agree)


def _find_zip64_directory(file: BinaryIO, end: int) -> tuple[int, int, int] | None:
    """Members, size and offset from the 64-bit record; None when there is none."""
    if end < _ZIP64_LOCATOR.size + _ZIP64_EOCD.size:
        return None
    file.seek(end - _ZIP64_LOCATOR.size - _ZIP64_EOCD.size)
    record = file.read(_ZIP64_EOCD.size)
    signature, disk, _, disks = _ZIP64_LOCATOR.unpack(file.read(_ZIP64_LOCATOR.size))
    if signature != b"PK\6\7":
        return None
    if disk != 0 or disks > 1:
        raise NotImplementedError("a zip on several disks")
    signature, *_, members, size, offset = _ZIP64_EOCD.unpack(record)
    return (members, size, offset) if signature == b"PK\6\6" else None


def _zip64_values(extra: bytes, packed: int, size: int, offset: int) -> tuple[int, int, int]:
    """The three numbers, read from the extra field where they do not fit 32 bits."""
    at = 0  # an offset instead of slices: thousands of fields would be copied each time
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        at += 4
        if at + length > len(extra):
            raise zipfile.BadZipFile("damaged extra field")
        if kind == 1:
            # Numbers beyond 63 bits are forged, and would not fit the table.
            wide = (min(n, 2**62) for n in struct.unpack_from(f"<{length // 8}Q", extra, at))
            try:
                size = next(wide) if size == _ZIP64_SENTINEL else size
                packed = next(wide) if packed == _ZIP64_SENTINEL else packed
                offset = next(wide) if offset == _ZIP64_SENTINEL else offset
            except StopIteration as error:
                raise zipfile.BadZipFile("damaged zip64 extra field") from error
        at += length
    return packed, size, offset
