import hashlib
import zipfile

import pytest

from idc.errors import DownloadError
from idc.ingest.archive_check import DamagedArchive, check_archive
from tests.support.fake_kaggle import patches_zip


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "archive.zip"
    path.write_bytes(patches_zip(3))
    return path


def test_intact_zip_passes_and_reports_progress(archive):
    seen = []

    check_archive(archive, 3, on_progress=lambda done, total: seen.append((done, total)))

    assert len(seen) == 6  # both copies of each patch
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert {total for _, total in seen} == {archive.stat().st_size}


def test_digest_is_compared(archive):
    check_archive(archive, 3, md5=hashlib.md5(archive.read_bytes()).digest())

    with pytest.raises(DamagedArchive, match="The checksum differs"):
        check_archive(archive, 3, md5=bytes(16))


def test_flipped_byte_in_a_member_is_detected(archive):
    whole = archive.read_bytes()
    with zipfile.ZipFile(archive) as opened:
        member = opened.infolist()[-1]
        first = member.header_offset + 30 + len(member.filename)
        places = range(first, first + member.compress_size, 16)

    for place in places:
        archive.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with pytest.raises(DamagedArchive):
            check_archive(archive, 3)


@pytest.mark.parametrize("content", [b"", b"no zip", patches_zip(3)[:-30]])
def test_incomplete_zip_is_damaged(archive, content):
    archive.write_bytes(content)

    with pytest.raises(DamagedArchive, match="not a complete zip"):
        check_archive(archive, 3)


def test_wrong_number_of_patches_is_not_damage(archive):
    with pytest.raises(DownloadError, match="holds 3 different patches, not 4") as caught:
        check_archive(archive, 4)

    assert not isinstance(caught.value, DamagedArchive)
