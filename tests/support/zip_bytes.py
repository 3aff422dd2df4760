"""Zips as bytes, and readers of them, for the tests of `idc.files.zip_reader`."""

import struct
import zipfile
import zlib
from io import BytesIO

MAX_BYTES = 2**20
REFUSALS = (
    zipfile.BadZipFile,
    RuntimeError,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
)
FILES = {"8863/0/a.png": b"first" * 30, "b": b"", "ü.txt": b"second"}


def zip_bytes(members, **how):
    with BytesIO() as file:
        with zipfile.ZipFile(file, "w", **how) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return file.getvalue()


def readable_members(reader):
    """The members that can be read: path -> bytes."""
    found = {}
    for number, name in enumerate(reader.names()):
        try:
            found[name] = reader.read(number, MAX_BYTES)
        except REFUSALS:
            continue
    return found


def directory_offset(content):
    """Where the directory begins, from the zip's last 22 bytes."""
    return struct.unpack("<L", content[-6:-2])[0]


def patched(content, position, new):
    """The content with some bytes replaced."""
    return content[:position] + new + content[position + len(new) :]
