import errno
import gzip
import os
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest

from idc.errors import DataError
from idc.files.sources import FolderSource, OpenSources, UnreadableMember, ZipSource, existing_path
from idc.ingest.listing import list_patches
from idc.uploads.image_files import image_files
from tests.support.made_patches import write_patches_zip


def zip_of(path, members, **how):
    with zipfile.ZipFile(path, "w", **how) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def too_deep(tmp_path):
    """A folder that cannot be listed, by root either: its path is too long.

    Made step by step from inside, since no call takes such a path whole.
    """
    top = tmp_path / "deep"
    top.mkdir()
    here = os.open(top, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("d" * 250, dir_fd=here)
        inner = os.open("d" * 250, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    yield top
    shutil.rmtree(top)


def read(source, name):
    """A file's bytes by its path in the source."""
    return source.read(list(source.names()).index(name))


# Zips


def test_zip_lists_files_and_not_folders(tmp_path):
    path = zip_of(tmp_path / "a.zip", {"8863/": b"", "8863/0/a.png": b"a", "b.txt": b"b"})

    source = ZipSource(path)

    assert list(source.names()) == ["8863/0/a.png", "b.txt"]
    assert read(source, "8863/0/a.png") == b"a"
    assert source.label == "a.zip"


def test_backslashes_between_folders_are_slashes(tmp_path):
    name = r"8863\0\8863_idx5_x51_y1251_class0.png"
    path = zip_of(tmp_path / "a.zip", {name: b"a", "8863/1/b.png": b"b"})

    source = ZipSource(path)
    listing = list_patches([source])

    assert list(source.names()) == ["8863/0/8863_idx5_x51_y1251_class0.png", "8863/1/b.png"]
    assert listing.names.tolist() == [[8863, 1251, 51, 0]]
    assert read(source, "8863/0/8863_idx5_x51_y1251_class0.png") == b"a"


def test_flipped_byte_inside_a_member_is_noticed_and_spares_the_others(tmp_path):
    path = zip_of(tmp_path / "a.zip", {"bad": b"0123456789", "good": b"abcdefghij"})
    path.write_bytes(path.read_bytes().replace(b"0123456789", b"0123456780"))

    source = ZipSource(path)

    with pytest.raises(UnreadableMember):
        read(source, "bad")
    assert read(source, "good") == b"abcdefghij"


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damage_in_a_compressed_member_is_no_crash(tmp_path, compression):
    path = zip_of(tmp_path / "a.zip", {"a": bytes(range(256)) * 4}, compression=compression)
    content = bytearray(path.read_bytes())
    content[40:60] = b"\xff" * 20
    path.write_bytes(content)

    with pytest.raises(UnreadableMember):
        read(ZipSource(path), "a")


def test_member_name_that_is_no_utf_8_is_unreadable_and_no_crash(tmp_path):
    path = zip_of(tmp_path / "a.zip", {"é": b"content"})
    path.write_bytes(path.read_bytes().replace("é".encode(), b"\xff\xff", 1))

    with pytest.raises(UnreadableMember):
        read(ZipSource(path), "é")


def test_member_larger_than_any_patch_is_not_read(tmp_path):
    path = zip_of(tmp_path / "a.zip", {"fits": bytes(100), "large": bytes(101)})

    source = ZipSource(path, max_bytes=100)

    assert read(source, "fits") == bytes(100)
    with pytest.raises(UnreadableMember):
        read(source, "large")


@pytest.mark.parametrize("content", [b"", b"not a zip at all", b"PK\x03\x04 cut off"])
def test_file_that_is_no_zip_is_refused_in_a_sentence(tmp_path, content):
    path = tmp_path / "a.zip"
    path.write_bytes(content)

    with pytest.raises(DataError, match=r"a\.zip' is not a readable zip file .* download it again"):
        ZipSource(path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"7z\xbc\xaf\x27\x1c\0\4", "is a 7z archive; unpack it and give the folder."),
        (b"Rar!\x1a\x07\x01\0", "is a RAR archive; unpack it and give the folder."),
        (gzip.compress(b"words", mtime=0), "is a gzip file; unpack it and give the folder."),
        (
            b"<!DOCTYPE html><title>Sign in</title>",
            "is a web page (a login or error page that was saved instead of the file?); download "
            "it again.",
        ),
        (b"%PDF-1.7", "is a PDF document; give a zip or folder of images."),
        (
            b"case,x,y,label",
            "is not a readable zip file but a text file; download it again.",
        ),
        (
            b"\x89PNG\r\n\x1a\n",
            "is a PNG image; give the folder of the images, or a zip of it.",
        ),
    ],
)
def test_file_of_another_kind_is_named(tmp_path, content, sentence):
    path = tmp_path / "a.zip"
    path.write_bytes(content)

    with pytest.raises(DataError) as refused:
        ZipSource(path)

    assert str(refused.value) == f"'{path}' {sentence}"


def test_tar_archive_that_ends_in_a_zip_is_a_tar_archive(tmp_path):
    inner = zip_of(tmp_path / "inner.zip", {"a": b"a"})
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        archive.add(inner, "inner.zip")

    with pytest.raises(DataError, match="is a tar archive; unpack it and give the folder"):
        ZipSource(path)


def with_directory_field(path, offset, value):
    """Change two bytes of the directory's first entry."""
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02") + offset
    content[at : at + 2] = value
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("offset", "value", "sentence"),
    [
        (10, b"\x09\0", "is compressed with Deflate64, which cannot be read here"),
        (10, b"\x5d\0", "is compressed with Zstandard, which cannot be read here"),
        (8, b"\x01\0", "is protected by a password"),
    ],
)
def test_zip_of_another_method_is_named(tmp_path, offset, value, sentence):
    path = with_directory_field(zip_of(tmp_path / "a.zip", {"a": b"a"}), offset, value)

    with pytest.raises(DataError) as refused:
        ZipSource(path)

    assert str(refused.value) == f"'{path}' {sentence}; unpack it and give the folder."


def test_cut_off_zip_is_refused(tmp_path):
    path = zip_of(tmp_path / "a.zip", {"a": bytes(1000)})
    path.write_bytes(path.read_bytes()[:-10])

    with pytest.raises(DataError, match="is not a readable zip file"):
        ZipSource(path)


# Folders


def test_folder_lists_all_files_below_it_in_order(tmp_path):
    for name in ("b/2", "b/1", "a/0/3", "4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())

    source = FolderSource(tmp_path)

    assert list(source.names()) == ["4", "a/0/3", "b/1", "b/2"]
    assert read(source, "a/0/3") == b"a/0/3"
    assert source.label == tmp_path.name


def test_link_back_to_the_folder_makes_no_loop(tmp_path):
    (tmp_path / "a").write_bytes(b"")
    (tmp_path / "loop").symlink_to(tmp_path)

    assert list(FolderSource(tmp_path).names()) == ["a"]


def test_vanished_file_is_unreadable(tmp_path):
    (tmp_path / "gone.png").write_bytes(b"")
    source = FolderSource(tmp_path)
    assert list(source.names()) == ["gone.png"]
    (tmp_path / "gone.png").unlink()

    with pytest.raises(UnreadableMember):
        source.read(0)


def test_file_larger_than_any_patch_is_not_read(tmp_path):
    (tmp_path / "large").write_bytes(bytes(101))

    with pytest.raises(UnreadableMember):
        read(FolderSource(tmp_path, max_bytes=100), "large")


def test_device_under_a_files_name_is_not_read(tmp_path):
    (tmp_path / "a").symlink_to("/dev/null")  # as with a pipe: its size says 0

    with pytest.raises(UnreadableMember):
        read(FolderSource(tmp_path), "a")


def test_unlistable_folder_is_an_error(too_deep):
    with pytest.raises(DataError, match=r"cannot be read \(File name too long\); check its rights"):
        list(FolderSource(too_deep).names())


# Several


def test_sources_keep_the_order_in_which_they_were_given(tmp_path):
    (tmp_path / "folder").mkdir()
    archive = write_patches_zip(tmp_path / "b.zip")

    with OpenSources([archive, tmp_path / "folder"]) as sources:
        labels = [source.label for source in sources]

    assert labels == ["b.zip", "folder"]


def test_zips_are_closed_at_the_end(tmp_path):
    path = zip_of(tmp_path / "a.zip", {"a": b""})

    with OpenSources([path]) as (source,):
        pass

    with pytest.raises(UnreadableMember):  # zipfile's "operation on a closed archive"
        read(source, "a")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("~no-such-person/a.zip", "Could not determine home directory"),
        ("x" * 300, "File name too long"),
    ],
)
def test_path_that_cannot_be_looked_at_is_a_sentence(words, why):
    with pytest.raises(DataError, match=rf"' cannot be opened \({why}\); check the path"):
        OpenSources([Path(words)])
    with pytest.raises(DataError, match=rf"' cannot be opened \({why}\); check the path"):
        list(image_files([Path(words)]))


def test_folder_without_rights_is_a_sentence(tmp_path, monkeypatch):
    def stat(path, **how):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "stat", stat)  # root, who may run this, is let in everywhere

    with pytest.raises(DataError, match=r"a\.zip' cannot be opened \(Permission denied\)"):
        OpenSources([tmp_path / "a.zip"])


def test_home_of_the_person_who_asks_is_known(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write_patches_zip(tmp_path / "a.zip")

    assert existing_path("~/a.zip") == tmp_path / "a.zip"


def test_missing_path_is_named(tmp_path):
    with pytest.raises(DataError, match=r"There is no file or folder at '.*gone\.zip'"):
        OpenSources([write_patches_zip(tmp_path / "a.zip"), tmp_path / "gone.zip"])
