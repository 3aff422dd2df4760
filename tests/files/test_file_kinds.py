"""idc.files.file_kinds: archives, pages and images by content."""

import bz2
import gzip
import io
import lzma
import tarfile

import pytest

from idc.files.file_kinds import (
    ARCHIVE_KIND,
    IMAGE_KIND,
    TEXT_KIND,
    file_kind,
    kind_of_file,
    zip_method_name,
)


def tar(format_=tarfile.USTAR_FORMAT):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=format_) as archive:
        entry = tarfile.TarInfo("0/a.png")
        entry.size = 3
        archive.addfile(entry, io.BytesIO(b"abc"))
    return file.getvalue()


def without_magic(archive):
    """The same archive as written before POSIX: no "ustar", and its own sum."""
    header = bytearray(archive[:512])
    header[257:265] = bytes(8)
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    return bytes(header) + archive[512:]


@pytest.mark.parametrize(
    "data",
    [
        tar(),
        tar(tarfile.GNU_FORMAT),
        tar(tarfile.PAX_FORMAT),
        without_magic(tar()),
        gzip.compress(tar(), mtime=0),
        bz2.compress(tar()),
        lzma.compress(tar()),
    ],
    ids=["ustar", "gnu", "pax", "old", "gzip", "bzip2", "xz"],
)
def test_tar_archive_is_recognised_also_when_compressed(data):
    assert file_kind(data).refusal("give the folder") == (
        "is a tar archive; unpack it and give the folder"
    )


@pytest.mark.parametrize(
    ("what", "group", "data"),
    [
        ("a gzip file", ARCHIVE_KIND, gzip.compress(b"words", mtime=0)),
        ("a gzip file", ARCHIVE_KIND, gzip.compress(tar(), mtime=0)[:30]),
        ("a bzip2 file", ARCHIVE_KIND, bz2.compress(b"words")),
        ("an xz file", ARCHIVE_KIND, lzma.compress(b"words")),
        ("a Zstandard file", ARCHIVE_KIND, b"\x28\xb5\x2f\xfd\0"),
        ("a 7z archive", ARCHIVE_KIND, b"7z\xbc\xaf\x27\x1c\0\4"),
        ("a RAR archive", ARCHIVE_KIND, b"Rar!\x1a\x07\x01\0"),
        ("a web page", "other", b"\n<!-- x --><!DOCTYPE HTML><html>"),
        ("a web page", "other", b"\xef\xbb\xbf<html lang=en>"),
        ("a PDF document", "other", b"%PDF-1.7"),
        ("an XML document", "other", b"<?xml version='1.0'?><Error/>"),
        ("an HDF5 file", "other", b"\x89HDF\r\n\x1a\n"),
        ("a text file", TEXT_KIND, b"case,x,y\n1,2,3\n"),
        ("a text file", TEXT_KIND, "µm je Bildpunkt\n".encode()),
        ("a text file", TEXT_KIND, "in two bytes".encode("utf-16")),
        ("a PNG image", IMAGE_KIND, b"\x89PNG\r\n\x1a\n"),
        ("a DICOM file", IMAGE_KIND, bytes(128) + b"DICM"),
    ],
)
def test_file_is_named_by_its_content(what, group, data):
    assert (file_kind(data).what, file_kind(data).group) == (what, group)


@pytest.mark.parametrize("data", [b"", b"no", bytes(600), b"\0\1\2\3 words and more"])
def test_other_content_has_no_kind(data):
    assert file_kind(data) is None


def test_web_page_says_how_it_came():
    assert file_kind(b"<html>").refusal("download it again") == (
        "is a web page (a login or error page that was saved instead of the file?); download it "
        "again"
    )


def test_missing_file_has_no_kind(tmp_path):
    assert kind_of_file(tmp_path / "none") is None


def test_zip_methods_are_named():
    assert [zip_method_name(method) for method in (9, 93, 7)] == [
        "Deflate64",
        "Zstandard",
        "compression method 7",
    ]
