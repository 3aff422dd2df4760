"""Hostile files, generated from seeds: malformed files, bombs, polyglots and zips."""

import functools
import gzip
import random
import struct
import zlib
from io import BytesIO
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZipFile, ZipInfo

from tests.support.made_files import (
    bmp_declaring,
    chunk,
    jpeg_declaring,
    one_bit_png,
    picture,
    png,
    saved,
    tiff,
    webp_declaring,
)

GOOD = png(2, 1, 8, 2, bytes([0, 1, 2, 3, 4, 5, 6]))
GOOD_PIXELS = [[[1, 2, 3], [4, 5, 6]]]

WHOLE = {
    "png": saved(picture(), "PNG"),
    "jpg": saved(picture(), "JPEG"),
    "progressive.jpg": saved(picture(), "JPEG", progressive=True),
    "tif": saved(picture(), "TIFF"),
    "lzw.tif": saved(picture(), "TIFF", compression="tiff_lzw"),
    "jpeg.tif": saved(picture(), "TIFF", compression="jpeg"),
    "bmp": saved(picture(), "BMP"),
    "webp": saved(picture(), "WEBP"),
    "lossless.webp": saved(picture(), "WEBP", lossless=True),
}


@functools.cache
def malformed_files() -> dict[str, bytes]:
    """Name -> bytes; 306 files: truncated, overwritten, with parts swapped or removed."""
    rng = random.Random(20260501)
    files = {}
    for kind, whole in WHOLE.items():
        for number in range(34):
            harm = (cut, overwritten, without_a_piece, swapped)[number % 4]
            files[f"{harm.__name__}-{number}.{kind}"] = harm(whole, rng)
    return files


def cut(whole: bytes, rng: random.Random) -> bytes:
    return whole[: rng.randrange(12, len(whole) - 1)]


def overwritten(whole: bytes, rng: random.Random) -> bytes:
    """Half of the writes hit the header, where damage has the largest effect."""
    data = bytearray(whole)
    for _ in range(rng.choice([4, 16, 64])):
        data[rng.randrange(12, rng.choice([min(200, len(data)), len(data)]))] = rng.randrange(256)
    return bytes(data)


def without_a_piece(whole: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(12, len(whole) - 20)
    return whole[:start] + whole[start + rng.randrange(1, 20) :]


def swapped(whole: bytes, rng: random.Random) -> bytes:
    one, two = sorted(rng.sample(range(12, len(whole)), 2))
    return whole[:12] + whole[two:] + whole[one:two] + whole[12:one]


REFUSED, IMAGE = "refused", "picture"  # the expected outcome of a bomb or polyglot


@functools.cache
def bombs_and_polyglots() -> dict[str, tuple[str, bytes]]:
    """Name -> (outcome, bytes). A polyglot that begins as an image is decoded as that image."""
    jpeg = WHOLE["progressive.jpg"]
    scans = jpeg.rindex(b"\xff\xda")
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(2**26)))
    profile = chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(2**24)))
    note = chunk(b"tEXt", b"a\0<svg onload>")
    packed, pixels = zlib.compress(bytes(10**6)), bytes([0, 1, 2, 3, 4, 5, 6])
    ring = bytearray(tiff(1, 1, b"\5", t258=(8,), t262=(1,)))
    ring[-5:-1] = struct.pack("<I", 8)  # the next directory is this one
    laughs = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">' + b"".join(
        b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(20)
    )
    refused = {
        "30000x30000.png": one_bit_png(30_000, 30_000),
        "9000x9000.png": one_bit_png(9_000, 9_000),
        "wide.png": one_bit_png(10**6, 1),
        "2147483647.png": png(2**31 - 1, 2**31 - 1, 8, 2, b""),
        "no-width.png": png(0, 5, 8, 2, b""),
        "rows-missing.png": png(4_000, 4_000, 8, 2, bytes(10**6)),
        "profile.png": png(1, 1, 8, 0, b"\0\5", profile),
        "text.png": png(1, 1, 8, 0, b"\0\5", text),
        "palette.png": png(1, 1, 8, 3, b"\0\5", chunk(b"PLTE", bytes(3 * 10**5))),
        "65000x65000.jpg": jpeg_declaring(65_000, 65_000),
        "no-height.jpg": jpeg_declaring(5, 0),
        "passes.jpg": jpeg[:scans] + 3_000 * jpeg[scans:-2] + b"\xff\xd9",
        "60000x60000.tif": tiff(60_000, 60_000, b"9", t258=(8,) * 3, t262=(2,), t277=(3,)),
        "lzw.tif": tiff(60_000, 60_000, b"9", t258=(8,), t262=(1,), t259=(5,)),
        "deflate.tif": tiff(3_900, 3_900, packed, t258=(8,), t262=(1,), t259=(8,)),
        "samples.tif": tiff(2, 2, b"9", t258=(8,) * 2_000, t262=(1,), t277=(2_000,)),
        "30000x30000.bmp": bmp_declaring(30_000, 30_000),
        "negative.bmp": bmp_declaring(-30_000, -30_000),
        "16000x16000.webp": webp_declaring(16_000, 16_000),
        "gzip.png": gzip.compress(bytes(10**6)),
        "laughs.png": laughs,
        "laughs.svg": b"<svg>" + laughs,
        "page.jpg": b"<html><script>alert(1)</script>" + WHOLE["jpg"],
        "document.png": b"%PDF-1.7\n" + GOOD,
        "archive.png": zip_of({"a.png": GOOD}),
        "icon.png": b"\0\0\1\0\1\0" + GOOD,
        "flash.png": b"GIF89a/*" + GOOD,
        "video.png": b"\0\0\0\x18ftypheic" + GOOD,
        "script.png": b"#!/bin/sh\nrm -rf /\n" + GOOD,
        "empty.png": b"",
    }  # fmt: skip
    pictures = {
        "zip-behind.png": GOOD + zip_of({"../../evil": b"evil"}),
        "script-behind.png": GOOD + b"<script>alert(1)</script>",
        "swelling-behind.png": png(2, 1, 8, 2, pixels + bytes(10**7)),
        "comment.png": png(2, 1, 8, 2, pixels, note),
        "ring.tif": bytes(ring),
        "pages.png": GOOD * 50,
        "picture.exe": GOOD,
    }  # fmt: skip
    return {name: (REFUSED, data) for name, data in refused.items()} | {
        name: (IMAGE, data) for name, data in pictures.items()
    }


def zip_of(members: dict[str, bytes], **how: int) -> bytes:
    with BytesIO() as file:
        with ZipFile(file, "w", **how) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return file.getvalue()


def directory_at(content: bytes) -> int:
    """Offset of the directory, from the zip's last 22 bytes."""
    return int(struct.unpack("<L", content[-6:-2])[0])


def patched(content: bytes, position: int, new: bytes) -> bytes:
    return content[:position] + new + content[position + len(new) :]


def in_directory(content: bytes, field: int, new: bytes) -> bytes:
    """Change a value in the directory's first entry."""
    return patched(content, directory_at(content) + field, new)


def with_mode(mode: int) -> bytes:
    info = ZipInfo("a.png")
    info.create_system, info.external_attr = 3, mode << 16
    with BytesIO() as file:
        with ZipFile(file, "w") as archive:
            archive.writestr(info, b"/etc/passwd")
        return file.getvalue()


def twice_listed(content: bytes, name: bytes) -> bytes:
    """List the directory's only entry twice, the second under another name of the same length."""
    at = directory_at(content)
    entry = content[at:-22]
    second = entry[:46] + name + entry[46 + len(name) :]
    end = struct.pack("<4H2LH", 0, 0, 2, 2, 2 * len(entry), at, 0)
    return content[:at] + entry + second + b"PK\5\6" + end


def two_of_one_name() -> bytes:
    return zip_of({"a.png": GOOD, "b.png": GOOD}).replace(b"b.png", b"a.png")


def one_with_64_bit_lies() -> bytes:
    info = ZipInfo("a.png")
    info.extra = struct.pack("<HHQQ", 1, 16, 2**60, 2**60)
    with BytesIO() as file:
        with ZipFile(file, "w") as archive:
            archive.writestr(info, GOOD)
        content = file.getvalue()
    return in_directory(content, 20, b"\xff" * 8)


def with_64_bit_end(content: bytes, members: int) -> bytes:
    at = directory_at(content)
    size, end = len(content) - 22 - at, len(content) - 22
    record = b"PK\6\6" + struct.pack("<QHHLLQQQQ", 44, 45, 45, 0, 0, members, members, size, at)
    locator = b"PK\6\7" + struct.pack("<LQL", 0, end, 1)
    return content[:end] + record + locator + content[end:]


@functools.cache
def hostile_zips() -> dict[str, tuple[str, bytes]]:
    """Name -> (part of the expected message, bytes)."""
    one = zip_of({"a.png": GOOD}, compression=ZIP_DEFLATED)
    zeros = zip_of({"a.bmp": bytes(8 * 10**6)}, compression=ZIP_DEFLATED)
    many_zeros = zip_of({str(n): bytes(10**6) for n in range(20)}, compression=ZIP_DEFLATED)
    inner = zip_of({"inner.zip": one})
    two = zip_of({"a.png": GOOD, "b.png": GOOD})
    inner_bomb = zip_of({"a": zeros, "b": bytes(10**7)}, compression=ZIP_DEFLATED)
    misnamed = in_directory(in_directory(one, 8, b"\0\x08"), 46, b"\xff")
    disks = bytes(52) + b"PK\6\7" + struct.pack("<LQL", 1, 0, 2) + b"PK\5\6" + bytes(18)
    long = patched(one, len(one) - 10, b"\xff\xff\xff\x7f")
    region = zip_of({"a.png": one_bit_png(30_000, 30_000)})
    return {
        "same-bytes-twice": ("overlapping", twice_listed(one, b"b.png")),
        "begins-inside-another": ("overlapping", in_directory(two, 20, b"\xf0\0\0\0")),
        "swells": ("expand to more than 100", zeros),
        "swells-together": ("expand to more than 100", many_zeros),
        "swells-once-more": ("expand to more than 100", inner_bomb),
        "says-less": ("damaged in the zip", in_directory(zeros, 24, struct.pack("<L", 100))),
        "says-2-GB": ("a file of more than 32 MiB", in_directory(one, 24, b"\xff\xff\xff\x7f")),
        "64-bit-sizes": ("overlapping", one_with_64_bit_lies()),
        "64-bit-end": ("disagrees with its contents", with_64_bit_end(one, 7)),
        "end-counts-more": ("disagrees with", patched(one, len(one) - 14, b"\7\0\7\0")),
        "absolute": ("leads out of the zip", zip_of({"/etc/cron.d/a.png": GOOD})),
        "parent": ("leads out of the zip", zip_of({"ok/../../../a.png": GOOD})),
        "windows-parent": ("leads out of the zip", zip_of({"..\\..\\a.png": GOOD})),
        "drive": ("leads out of the zip", zip_of({"C:\\a.png": GOOD})),
        "control-character": ("leads out of the zip", zip_of({"a\x1b[31m.png": GOOD})),
        "two-of-one-name": ("two files of the same name", two_of_one_name()),
        "link": ("not a regular file", with_mode(0o120777)),
        "device": ("not a regular file", with_mode(0o060666)),
        "encrypted": ("protected by a password", in_directory(one, 8, b"\1\0")),
        "strongly-encrypted": ("protected by a password", in_directory(one, 8, b"\x41\0")),
        "bzip2": ("unsupported compression", zip_of({"a.png": GOOD}, compression=ZIP_BZIP2)),
        "lzma": ("unsupported compression", zip_of({"a.png": GOOD}, compression=ZIP_LZMA)),
        "unknown-packing": ("unsupported compression", in_directory(one, 10, b"\x63\0")),
        "cut": ("damaged or incomplete", one[:-30]),
        "no-directory": ("damaged or incomplete", in_directory(one, 0, b"PK\7\7")),
        "huge-directory": ("damaged or incomplete", long),
        "not-in-its-encoding": ("damaged or incomplete", misnamed),
        "two-zips": ("other data before its first file", one + zip_of({"b.png": GOOD})),
        "too-many": ("more than 20,000 files", zip_of({str(n): b"" for n in range(20_001)})),
        "long-names": ("list of names", zip_of({f"{n:050000}": b"" for n in range(201)})),
        "several-disks": ("unsupported zip feature", b"PK\3\4PK\6\6" + disks),
        "newer-version": ("unsupported zip feature", in_directory(one, 6, b"\x7f")),
        "zip-in-zip": ("is a zip archive", inner),
        "zip-in-zip-as-picture": ("is a zip archive", zip_of({"a.png": inner})),
        "bomb-in-zip": ("has more than 100 million pixels", region),
        "wrong-checksum": ("damaged in the zip", in_directory(one, 16, b"\1\2\3\4")),
        "another-name-inside": ("damaged in the zip", in_directory(one, 46, b"b")),
        "member-begins-outside": ("overlapping", in_directory(one, 42, b"\xff\xff\xff\x7f")),
        "member-is-no-picture": ("is not a PNG", zip_of({"a.png": b"#!/bin/sh"})),
        "nothing-inside": ("contains no file", zip_of({})),
        "litter-alone": ("contains no file", zip_of({"__MACOSX/._a.png": b"x", "folder/": b""})),
    }  # fmt: skip
