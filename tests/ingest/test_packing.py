"""idc.ingest.packing: packed, skipped and refused input, and failures."""

import contextlib
import json
import os
import shutil
import struct
import subprocess
import sys
import threading
import zipfile
import zlib

import cv2
import numpy as np
import pytest

import idc.files.sources
import idc.ingest.packing
from idc.datasets.store import PackReport, list_stores, open_store, verify_store
from idc.datasets.store_writer import Patch, StoreWriter
from idc.errors import DataError
from idc.imaging.rescaling import to_patch_size
from idc.ingest.packing import decode_patch, judge_sizes, pack
from idc.patches import PatchName
from tests.support import PROGRAMS, PROJECT
from tests.support.made_patches import png, tiny_store, write_patches_zip

CHILD = PROGRAMS / "packing_child.py"
BLUISH, REDDISH = (30, 60, 200), (200, 60, 30)
NEGATIVE, POSITIVE = "8863_idx5_x1_y1_class0.png", "8863_idx5_x51_y1_class1.png"


def write_zip(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def write_folder(path, members):
    for name, content in members.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def chunk(kind, content):
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def png_declaring(width, height):
    """A PNG with valid checksums and one row of pixels, whose header declares any size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1 + 3 * 50))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def colours(name):
    """The colour of each patch's first pixel."""
    return [tuple(patch[0, 0].tolist()) for patch in open_store(name).patches]


def left_behind(home):
    """The contents of the data folder without lock files."""
    data = home / "data"
    return sorted(p.name for p in data.iterdir() if p.suffix != ".lock") if data.exists() else []


# Packed input


def test_zip_is_packed_with_its_pixels_and_names(home, tmp_path):
    source = write_zip(
        tmp_path / "a.zip",
        {
            f"IDC_regular_ps50_idx5/8863/1/{POSITIVE}": png(REDDISH),
            f"IDC_regular_ps50_idx5/8863/0/{NEGATIVE}": png(BLUISH),
        },
    )

    report = pack([source], "a")

    store = open_store("a")
    assert report == PackReport(sources=("a.zip",)) == store.report
    assert store.index.values.tolist() == [[8863, 1, 1, 0, 50, 50], [8863, 51, 1, 1, 50, 50]]
    assert store.index.columns.tolist() == ["case", "x", "y", "label", "height", "width"]
    assert np.array_equal(store.patches[0], np.full((50, 50, 3), BLUISH))
    assert np.array_equal(store.patches[1], np.full((50, 50, 3), REDDISH))
    assert left_behind(home) == ["a"]


def test_every_pixel_keeps_its_place_and_its_channels(home, tmp_path):
    rgb = np.arange(7_500, dtype=np.uint32).reshape(50, 50, 3).astype(np.uint8)
    file = cv2.imencode(".png", rgb[..., ::-1])[1].tobytes()

    pack([write_zip(tmp_path / "a.zip", {NEGATIVE: file})], "a")

    assert np.array_equal(open_store("a").patches, rgb[None])


def test_zip_and_folder_pack_together(home, tmp_path):
    archive = write_zip(tmp_path / "a.zip", {NEGATIVE: png(BLUISH)})
    folder = write_folder(tmp_path / "more", {f"8863/1/{POSITIVE}": png(REDDISH)})

    report = pack([archive, folder], "both")

    assert report == PackReport(sources=("a.zip", "more"))
    assert colours("both") == [BLUISH, REDDISH]


def test_path_may_be_a_string_starting_with_a_tilde(home, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write_patches_zip(tmp_path / "a.zip", NEGATIVE)

    assert pack(["~/a.zip"], "a").sources == ("a.zip",)


def test_rows_are_in_the_order_of_case_row_and_column(home, tmp_path):
    pack(
        [
            write_patches_zip(
                tmp_path / "a.zip",
                "10_idx5_x1_y1_class0.png",
                "9_idx5_x51_y51_class0.png",
                "9_idx5_x101_y1_class1.png",
                "9_idx5_x51_y1_class0.png",
                "9_idx5_x1_y51_class1.png",
            )
        ],
        "a",
    )

    assert open_store("a").index[["case", "y", "x"]].values.tolist() == [
        [9, 1, 51],
        [9, 1, 101],
        [9, 51, 1],
        [9, 51, 51],
        [10, 1, 1],
    ]


def test_progress_is_reported_after_each_batch(home, tmp_path):
    progress = []
    names = [f"8863_idx5_x{1 + 50 * number}_y1_class0.png" for number in range(513)]

    pack(
        [write_patches_zip(tmp_path / "a.zip", *names)],
        "a",
        on_progress=lambda *step: progress.append(step),
    )

    assert progress == [(512, 513), (513, 513)]
    assert len(open_store("a")) == 513


# Second copies


def test_second_copies_are_dropped_by_name_as_in_the_kaggle_zip(home, tmp_path):
    source = write_zip(
        tmp_path / "archive.zip",
        {
            f"8863/0/{NEGATIVE}": png(BLUISH),
            f"8863/1/{POSITIVE}": png(REDDISH),
            f"IDC_regular_ps50_idx5/8863/0/{NEGATIVE}": png(BLUISH),
            f"IDC_regular_ps50_idx5/8863/1/{POSITIVE}": png(REDDISH),
        },
    )

    report = pack([source], "a")

    assert report == PackReport(sources=("archive.zip",), second_copies=2)
    assert colours("a") == [BLUISH, REDDISH]


def test_first_copy_of_the_sources_is_kept(home, tmp_path):
    first = write_zip(tmp_path / "first.zip", {NEGATIVE: png(BLUISH)})
    second = write_zip(tmp_path / "second.zip", {NEGATIVE: png(REDDISH)})

    report = pack([first, second], "a")

    assert report.second_copies == 1
    assert colours("a") == [BLUISH]


def test_second_copy_is_used_where_the_first_is_damaged(home, tmp_path):
    source = write_zip(
        tmp_path / "a.zip",
        {f"8863/0/{NEGATIVE}": png(BLUISH)[:-20], f"again/{NEGATIVE}": png(BLUISH)},
    )

    report = pack([source], "a")

    assert (report.damaged, report.second_copies) == (0, 1)
    assert colours("a") == [BLUISH]


# Edge patches


def test_edge_patch_is_resized_bilinearly_and_its_size_recorded(home, tmp_path):
    two_rows = np.repeat(np.array([[[0] * 3], [[100] * 3]], np.uint8), 50, axis=1)
    file = cv2.imencode(".png", two_rows)[1].tobytes()

    report = pack([write_zip(tmp_path / "a.zip", {NEGATIVE: file})], "a")

    store = open_store("a")
    # Row r of 50 maps to (r + 1/2) / 25 - 1/2 of 2, so its value is 4 r - 48 between 0 and 100.
    ramp = [min(max(4 * row - 48, 0), 100) for row in range(50)]
    assert store.patches[0, :, 7, 0].tolist() == ramp
    assert store.index[["height", "width"]].values.tolist() == [[2, 50]]
    assert report.resized == 1


@pytest.mark.parametrize(("height", "width"), [(50, 1), (30, 50), (1, 1)])
def test_narrow_patches_fill_the_square(home, tmp_path, height, width):
    source = write_zip(
        tmp_path / "a.zip", {NEGATIVE: png(BLUISH, height, width), POSITIVE: png(REDDISH)}
    )

    report = pack([source], "a")

    store = open_store("a")
    assert np.array_equal(store.patches[0], np.full((50, 50, 3), BLUISH))
    assert store.index[["height", "width"]].values.tolist() == [[height, width], [50, 50]]
    assert report.resized == 1


def test_large_images_shrink_by_area_so_that_no_pixel_is_skipped():
    stripes = np.zeros((200, 200, 3), np.uint8)
    stripes[:, ::4] = 200  # every fourth column; bilinear would skip or double it

    assert np.array_equal(to_patch_size(stripes), np.full((50, 50, 3), 50))


def test_patch_of_50x50_is_unchanged():
    rgb = np.zeros((50, 50, 3), np.uint8)

    assert to_patch_size(rgb) is rgb


OTHER_SCALE = "their scale is probably not 4 µm per pixel, at which the model works."


@pytest.mark.parametrize(
    ("sizes", "edge_patches", "sentence"),
    [
        ({(50, 50): 9}, 0, ""),
        ({(50, 50): 9, (20, 50): 2, (20, 20): 1}, 3, ""),
        ({(20, 50): 1}, 1, ""),
        ({(96, 96): 4}, 0, f"4 patches of 96x96 px, resized to 50x50 px: {OTHER_SCALE}"),
        ({(32, 32): 4}, 0, f"4 patches of 32x32 px, resized to 50x50 px: {OTHER_SCALE}"),
        (
            {(50, 50): 1, (20, 50): 1, (96, 40): 2, (96, 96): 4},
            1,
            f"6 patches of 40x96 to 96x96 px, resized to 50x50 px: {OTHER_SCALE}",
        ),
    ],
)
def test_patches_of_another_scale_are_no_edge_patches(sizes, edge_patches, sentence):
    assert judge_sizes(sizes) == (edge_patches, sentence)


def test_report_states_the_size_of_patches_of_another_scale(home, tmp_path):
    source = write_zip(tmp_path / "a.zip", {NEGATIVE: png(BLUISH, 96, 96)})

    report = pack([source], "a")

    assert report.resized == 0
    assert report.notes == (f"1 patch of 96x96 px, resized to 50x50 px: {OTHER_SCALE}",)


def test_report_counts_folders_of_the_other_label(home, tmp_path):
    source = write_zip(tmp_path / "a.zip", {f"8863/1/{NEGATIVE}": png(BLUISH)})

    report = pack([source], "a")

    assert report.notes == (
        "Folder and file name state different labels for 1 file; the label of the file name is "
        "used.",
    )
    assert open_store("a").labels.tolist() == [0]


# Skipped input


def test_flipped_byte_in_a_zip_damages_only_that_patch(home, tmp_path):
    source = write_zip(tmp_path / "a.zip", {NEGATIVE: png(BLUISH), POSITIVE: png(REDDISH)})
    content = bytearray(source.read_bytes())
    content[content.index(b"IDAT") + 10] ^= 1
    source.write_bytes(content)

    report = pack([source], "a")

    assert report == PackReport(sources=("a.zip",), damaged=1, damaged_names=(NEGATIVE,))
    assert colours("a") == [REDDISH]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x89PNG\r\n\x1a\n",
        png(BLUISH)[:-20],
        png(BLUISH)[:60],
        png(BLUISH).replace(b"IDAT", b"IDAX"),
        b"GIF89a" + png(BLUISH),
        cv2.imencode(".bmp", np.zeros((50, 50, 3), np.uint8))[1].tobytes(),
        png_declaring(50, 2),
        png_declaring(50_000, 50_000),
        png_declaring(0, 50),
        png((0, 0, 0), height=1, width=1_001),
    ],
    ids=[
        "empty",
        "signature only",
        "without its end",
        "header only",
        "without pixels",
        "another format first",
        "a bitmap by a PNG's name",
        "rows missing",
        "7 GB declared",
        "no width",
        "wider than any patch",
    ],
)
def test_damaged_file_in_a_folder_is_skipped_and_counted(home, tmp_path, content):
    folder = write_folder(tmp_path / "in", {NEGATIVE: content, POSITIVE: png(REDDISH)})

    report = pack([folder], "a")

    assert report == PackReport(sources=("in",), damaged=1, damaged_names=(NEGATIVE,))
    assert colours("a") == [REDDISH]


def test_flipped_png_byte_is_detected_or_harmless():
    whole = png(BLUISH)
    changed = []
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << position % 8
        rgb = decode_patch(bytes(damaged))
        if rgb is not None and not np.array_equal(rgb, decode_patch(whole)):
            changed.append(position)

    assert changed == []


def test_report_keeps_only_the_first_damaged_names(home, tmp_path):
    names = [f"8863_idx5_x{1 + 50 * number}_y1_class0.png" for number in range(25)]
    members = {**dict.fromkeys(names, b"damaged"), POSITIVE.replace("y1", "y51"): png(REDDISH)}

    report = pack([write_zip(tmp_path / "a.zip", members)], "a")

    assert report.damaged == 25
    assert report.damaged_names == tuple(names[:20])


def test_foreign_files_are_counted_and_skipped(home, tmp_path):
    source = write_zip(
        tmp_path / "a.zip",
        {
            f"8863/0/{NEGATIVE}": png(BLUISH),
            f"__MACOSX/8863/0/._{NEGATIVE}": b"Mac OS X",
            "readme.txt": b"",
            "8863/Thumbs.db": b"",
        },
    )

    report = pack([source], "a")

    assert report == PackReport(sources=("a.zip",), foreign=3)
    assert len(open_store("a")) == 1


# Refused input: one sentence, and no files


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"words, not a zip", "is not a readable zip file"),
        ({}, "There is no patch in 'a.zip': no file is named like"),
        ({"readme.txt": b"words"}, "There is no patch in 'a.zip': no file is named like"),
        ({NEGATIVE: b"words"}, "None of the 1 patches could be decoded"),
        (None, "There is no file or folder at '"),
    ],
    ids=["not a zip", "empty zip", "no patch inside", "all damaged", "missing"],
)
def test_source_without_patches_is_refused(home, tmp_path, content, sentence):
    source = tmp_path / "a.zip"
    if isinstance(content, bytes):
        source.write_bytes(content)
    elif content is not None:
        write_zip(source, content)

    with pytest.raises(DataError) as refusal:
        pack([source], "a")

    assert sentence in str(refusal.value)
    assert left_behind(home) == []


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "-a", "a b", "ä", "x" * 65])
def test_invalid_store_names_are_refused(home, tmp_path, name):
    source = write_patches_zip(tmp_path / "a.zip", NEGATIVE)

    with pytest.raises(DataError, match="A data set's name has 1 to 64 letters"):
        pack([source], name)

    assert list(home.iterdir()) == []


def test_too_little_disk_space_is_refused_before_writing(home):
    with (
        pytest.raises(DataError, match=r"The disk is too full: 1,000,000,000,000,000 patches"),
        StoreWriter("a", 10**15),
    ):
        pass

    assert left_behind(home) == []


def test_uncreatable_data_folder_raises_data_error(home, tmp_path):
    (home / "data").write_bytes(b"a file where the folder should be")

    with pytest.raises(DataError, match="could not be written"):
        pack([write_patches_zip(tmp_path / "a.zip", NEGATIVE)], "a")


# Taken names


def test_taken_name_is_refused_and_its_store_is_kept(home, tmp_path):
    pack([write_patches_zip(tmp_path / "a.zip", NEGATIVE, colour=BLUISH)], "a")

    with pytest.raises(DataError, match="There is a data set named 'a' already"):
        pack([write_patches_zip(tmp_path / "b.zip", NEGATIVE, colour=REDDISH)], "a")

    assert colours("a") == [BLUISH]


def test_store_is_replaced_on_request(home, tmp_path):
    pack([write_patches_zip(tmp_path / "a.zip", NEGATIVE, POSITIVE, colour=BLUISH)], "a")

    pack(
        [write_patches_zip(tmp_path / "b.zip", NEGATIVE, colour=REDDISH)],
        "a",
        replace_existing=True,
    )

    assert colours("a") == [REDDISH]
    assert left_behind(home) == ["a"]


def test_failed_replacement_keeps_the_old_store(home, tmp_path):
    pack([write_patches_zip(tmp_path / "a.zip", NEGATIVE, colour=BLUISH)], "a")

    with pytest.raises(DataError, match="could be decoded"):
        pack([write_zip(tmp_path / "b.zip", {NEGATIVE: b""})], "a", replace_existing=True)

    assert colours("a") == [BLUISH]
    assert left_behind(home) == ["a"]


def test_name_taken_during_listing_is_refused(home):
    late = StoreWriter("a", 1)
    tiny_store("a", cases=1, per_case=2)

    with pytest.raises(DataError, match="There is a data set named 'a' already"), late:
        pass

    assert len(open_store("a")) == 2


def test_concurrent_packing_of_one_name_is_refused(home):
    patch = Patch(PatchName(8863, 1, 1, 0), np.zeros((50, 50, 3), np.uint8))

    with StoreWriter("a", 1) as first:
        with (
            pytest.raises(DataError, match="The data set 'a' is already being packed"),
            StoreWriter("a", 1),
        ):
            pass
        first.add([patch])
        first.finish(PackReport(sources=("made by hand",)))

    assert verify_store("a") == (1, 1)


# Failures


def test_error_during_packing_leaves_nothing(home, tmp_path):
    def cancel(_done, _total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack([write_patches_zip(tmp_path / "a.zip", NEGATIVE)], "a", on_progress=cancel)

    assert left_behind(home) == []
    assert pack([tmp_path / "a.zip"], "a").sources == ("a.zip",)


@pytest.fixture
def packing(home, tmp_path):
    """A process that is packing 513 patches into the store "a"."""
    names = [f"8863_idx5_x{1 + 50 * number}_y1_class0.png" for number in range(513)]
    source = write_patches_zip(tmp_path / "many.zip", *names)
    process = subprocess.Popen(
        [sys.executable, CHILD, "hold", source, "a"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )
    assert process.stdout.readline() == "512 of 513\n"
    yield process
    process.kill()
    process.communicate()


def test_killed_packing_leaves_no_store_and_can_be_repeated(home, tmp_path, packing):
    packing.kill()
    packing.wait()

    assert left_behind(home) == [".a.packing"]
    assert list_stores() == []
    with pytest.raises(DataError, match="There is no data set named 'a'"):
        open_store("a")
    pack([tmp_path / "many.zip"], "a")
    assert verify_store("a") == (513, 1)
    assert left_behind(home) == ["a"]


def test_packing_in_another_process_locks_only_its_name(home, tmp_path, packing):
    source = write_patches_zip(tmp_path / "one.zip", NEGATIVE)

    with pytest.raises(DataError, match="The data set 'a' is already being packed; wait for it"):
        pack([source], "a")
    pack([source], "b")

    packing.communicate("go on")
    assert packing.returncode == 0
    assert verify_store("a") == (513, 1)
    assert left_behind(home) == ["a", "b"]


@pytest.fixture(scope="module")
def little_room(tmp_path_factory):
    """The results of `packing_child` with a limit on the file size."""
    folder = tmp_path_factory.mktemp("little_room")
    environ = {**os.environ, "IDC_HOME": str(folder), "PYTHONPATH": str(PROJECT)}
    answer = subprocess.run(
        [sys.executable, CHILD, "full"], env=environ, stdout=subprocess.PIPE, check=True
    )
    shutil.rmtree(folder)
    return json.loads(answer.stdout)


@pytest.mark.parametrize("when", ["from the start", "while adding", "at the end"])
def test_full_disk_raises_data_error_and_leaves_nothing(little_room, when):
    found = little_room[when]

    assert "could not be written" in found["sentence"]
    assert "(File too large); free" in found["sentence"]
    assert found["left"] == []


def test_packing_succeeds_after_a_full_disk(little_room):
    assert little_room["not at all"] == {"sentence": "packed", "left": ["full"]}


def test_store_moved_aside_by_a_killed_replacement_is_restored(home, tmp_path):
    tiny_store("two", cases=2, per_case=3)
    data = home / "data"
    (data / "two").rename(data / ".two.replaced")  # killed between the two renames

    with pytest.raises(DataError, match="already"):
        pack([write_patches_zip(tmp_path / "a.zip", "8863_idx5_x1_y1_class0.png")], "two")

    assert verify_store("two") == (6, 2)


def test_replacement_removes_the_old_store(home, tmp_path):
    tiny_store("two", cases=2, per_case=3)
    source = write_patches_zip(tmp_path / "a.zip", "8863_idx5_x1_y1_class0.png")

    pack([source], "two", replace_existing=True)

    assert verify_store("two") == (1, 1)
    assert sorted(p.name for p in (home / "data").iterdir() if p.suffix != ".lock") == ["two"]


def test_leftovers_of_killed_packings_are_removed_by_the_next(home, tmp_path):
    tiny_store("old", cases=1, per_case=2)
    data = home / "data"
    (data / "old").rename(data / ".old.replaced")  # killed between the two renames
    for name in ("killed", "old"):
        (data / f".{name}.packing").mkdir()
        (data / f".{name}.packing" / "patches.npy").write_bytes(bytes(100))

    pack([write_patches_zip(tmp_path / "a.zip", NEGATIVE)], "a")

    assert left_behind(home) == ["a", "old"]
    assert verify_store("old") == (2, 1)


def test_running_packing_is_not_removed_as_leftover(home, tmp_path, packing):
    pack([write_patches_zip(tmp_path / "one.zip", NEGATIVE)], "b")
    assert left_behind(home) == [".a.packing", "b"]

    packing.communicate("go on")
    assert verify_store("a") == (513, 1)


def test_verify_finds_a_flipped_byte_anywhere_in_a_packed_store(home, tmp_path):
    source = write_patches_zip(tmp_path / "a.zip", NEGATIVE, POSITIVE)
    pack([source], "a")

    unnoticed = []
    for path in sorted((home / "data" / "a").iterdir()):
        whole = path.read_bytes()
        for position in {0, 1, len(whole) // 3, len(whole) // 2, len(whole) - 2, len(whole) - 1}:
            damaged = bytearray(whole)
            damaged[position] ^= 0x2A
            path.write_bytes(damaged)
            with contextlib.suppress(DataError):
                verify_store("a")
                unnoticed.append((path.name, position))
        path.write_bytes(whole)

    assert unnoticed == []
    assert verify_store("a") == (2, 1)


# Both cores, and constant memory


class CountingSource:
    """A source of many patches that counts its reads."""

    label = "counted"

    def __init__(self, patches):
        self._patches = patches
        self.reads = 0

    def names(self):
        return (f"8863_idx5_x{1 + 50 * number}_y1_class0.png" for number in range(self._patches))

    def read(self, number):
        self.reads += 1
        return png((number % 256, number // 256, 0))

    def close(self):
        pass


@pytest.fixture
def counted(monkeypatch):
    """Any path opens as a `CountingSource` of 2,000 patches, decoded in batches of ten."""
    source = CountingSource(2_000)
    monkeypatch.setattr(idc.files.sources, "_open_source", lambda *_: source)
    monkeypatch.setattr(idc.ingest.packing, "_BATCH_SIZE", 10)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    return source


def test_reading_is_only_a_few_batches_ahead_of_writing(home, counted):
    ahead = []

    pack(["x"], "a", on_progress=lambda done, _: ahead.append(counted.reads - done))

    assert len(ahead) == 200
    assert max(ahead) <= 10 * 5  # two batches per thread, and the next
    assert counted.reads == 2_000


def test_order_of_names_is_kept_when_batches_finish_out_of_order(home, counted):
    pack(["x"], "a")

    store = open_store("a")
    assert store.index["x"].tolist() == [1 + 50 * number for number in range(2_000)]
    assert store.patches[:, 0, 0, :2].tolist() == [[n % 256, n // 256] for n in range(2_000)]


def test_cancelled_packing_stops_reading(home, counted):
    def cancel(_done, _total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack(["x"], "a", on_progress=cancel)

    assert counted.reads <= 10 * 6
    assert left_behind(home) == []


def test_decoding_uses_one_thread_per_core(home, counted, monkeypatch):
    both = threading.Barrier(2, timeout=60)
    first_two = iter(range(2))

    def read(number, read=counted.read):
        if next(first_two, None) is not None:
            both.wait()  # passes only with two concurrent threads
        return read(number)

    monkeypatch.setattr(counted, "read", read)

    pack(["x"], "a")

    assert len(open_store("a")) == 2_000
