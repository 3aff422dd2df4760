"""A notebook finds the patches, and splits them exactly as its run did."""

import stat
import sys

import cv2
import numpy as np
import pytest

from idc.datasets.label_marks import Mark, save_mark
from idc.datasets.splits import PARTS
from idc.datasets.store import open_store
from idc.errors import RunError
from idc.export.patches_file import write_patches
from idc.ingest.layouts.plan import PackOptions
from idc.ingest.pack_data import pack_data
from idc.ingest.packing import pack
from idc.launch.start import create_run
from idc.runs.run import BUNDLED_RUN_ID, open_run
from idc.runs.split import run_split
from idc.settings.training_config import preset_config
from tests.export.made_runs import HOSTILE_CASES, run_to_split, write_pets, write_pictures
from tests.support.made_patches import tiny_store

pytestmark = pytest.mark.slow  # imports TensorFlow

NAME = "breast-histopathology-images"


@pytest.fixture
def tiny(home):
    return tiny_store("tiny", cases=4, per_case=12)


def new_run(data="tiny", **settings):
    return create_run(preset_config("fast", data, **settings))


def assert_same_parts(variables, run, store):
    split = run_split(run, store)
    for number, part in enumerate(PARTS):
        at = variables["parts"] == number
        assert np.array_equal(variables["patches"][at], store.patches[split.rows(part)])
        assert np.array_equal(variables["labels"][at], store.labels[split.rows(part)])
    assert variables["same_pixels"]


@pytest.mark.parametrize(
    "settings",
    [
        {"protocol": "case-disjoint", "patches": None},
        {"protocol": "case-disjoint", "patches": 31, "seed": 3},
        {"protocol": "case-disjoint", "folds": 3, "fold": 2, "patches": 30},
        {"protocol": "random", "patches": 39},
        {"protocol": "random", "patches": 30, "seed": 4, "split_seed": 5},
        {"protocol": "case-disjoint", "patches": 30, "seed": 4, "split_seed": 1},
    ],
    ids=["cases", "sample", "fold", "random", "random-redrawn", "cases-redrawn"],
)
def test_split_of_pictures_is_the_runs(tiny, tmp_path, monkeypatch, settings):
    run = new_run(**settings)
    write_pictures(tiny, tmp_path / NAME)

    variables = run_to_split(run, monkeypatch, tmp_path)

    assert_same_parts(variables, run, tiny)
    assert ("SPLIT" in variables) == (settings["protocol"] == "case-disjoint")


def test_pictures_of_other_cases_are_ignored(home, tmp_path, monkeypatch):
    larger = tiny_store("larger", cases=6, per_case=12)
    tiny = tiny_store("tiny", cases=4, per_case=12)
    run = new_run(protocol="random")

    variables = run_to_split(
        run, monkeypatch, tmp_path, PATCHES=write_pictures(larger, tmp_path / "a")
    )

    assert_same_parts(variables, run, tiny)


def test_second_copies_and_broken_copies_are_skipped(tiny, tmp_path, monkeypatch):
    run = new_run(protocol="random")
    folder = write_pictures(tiny, tmp_path / NAME / "b")
    [picture] = folder.rglob("2_idx5_x1_y1_class0.png")
    copy = tmp_path / NAME / "a" / picture.name
    copy.parent.mkdir()
    copy.write_bytes(picture.read_bytes()[:100])

    assert_same_parts(run_to_split(run, monkeypatch, tmp_path), run, tiny)


def test_patches_marked_as_wrong_stay_left_out(tiny, tmp_path, monkeypatch):
    row = int(run_split(new_run(), tiny).train[0])
    place = {name: int(tiny.columns[name][row]) for name in ("case", "x", "y", "label")}
    save_mark(Mark("tiny", **place, verdict="wrong", reviewer="Ann"))
    run = new_run(leave_out_marked=True)
    write_pictures(tiny, tmp_path / NAME)

    assert_same_parts(run_to_split(run, monkeypatch, tmp_path), run, tiny)


def test_missing_picture_is_named_as_other_data(tiny, tmp_path, monkeypatch):
    run = new_run(patches=None)
    write_pictures(tiny, tmp_path / NAME, rows=range(1, len(tiny)))

    with pytest.raises(SystemExit, match="These are not the run's data"):
        run_to_split(run, monkeypatch, tmp_path)


def test_data_set_with_its_own_parts_comes_from_a_file(home, tmp_path, monkeypatch):
    store = write_pets()
    run = new_run("pets", protocol="as-given", batch_size=8)
    write_patches(store, tmp_path / "pets.npz")

    variables = run_to_split(run, monkeypatch, tmp_path)

    assert_same_parts(variables, run, store)
    assert set(variables["cases"]) == set(HOSTILE_CASES)
    assert variables["SIDE"] == 32


def test_cases_with_hostile_names_split_by_case(home, tmp_path, monkeypatch):
    store = write_pets()
    run = new_run("pets", protocol="case-disjoint", batch_size=8)
    write_patches(store, tmp_path / "pets.npz")

    variables = run_to_split(run, monkeypatch, tmp_path)

    assert_same_parts(variables, run, store)
    listed = [case for part in variables["SPLIT"].values() for case in part]
    assert sorted(listed) == sorted(HOSTILE_CASES)


def test_pictures_that_packing_could_not_read_are_left_out(home, tmp_path, monkeypatch):
    folder = write_pictures(tiny_store("made", cases=4, per_case=12), tmp_path / NAME)
    [broken] = folder.rglob("2_idx5_x1_y1_class0.png")
    broken.write_bytes(b"\x89PNG broken")
    edge = np.full((50, 20, 3), 90, np.uint8)
    cv2.imwrite(str(folder / "1" / "0" / "1_idx5_x1_y1_class0.png"), edge)
    assert pack([folder], "tiny").damaged == 1
    run = new_run(protocol="random", patches=None)

    assert_same_parts(run_to_split(run, monkeypatch, tmp_path), run, open_store("tiny"))


def test_own_folders_of_classes_come_from_a_file(home, tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    for number in range(40):
        path = tmp_path / "own" / ("cat", "dog")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), rng.integers(0, 256, (40, 40, 3)).astype(np.uint8))
    pack_data([tmp_path / "own"], "own", PackOptions(positive=("dog",)))
    store = open_store("own")
    run = new_run("own", protocol="random")
    write_patches(store, tmp_path / "mine.npz")

    variables = run_to_split(run, monkeypatch, tmp_path, PATCHES="mine.npz")

    assert_same_parts(variables, run, store)
    assert variables["CLASS_NAMES"] == ["cat", "dog"]


@pytest.mark.parametrize(
    "place",
    [
        f"kaggle/input/{NAME}",
        f"kaggle/input/datasets/paultimothymooney/{NAME}",
        f"content/{NAME}",
        f"content/drive/MyDrive/{NAME}",
    ],
)
def test_folder_of_kaggle_or_colab_is_found(tiny, tmp_path, monkeypatch, place):
    run = new_run()
    write_pictures(tiny, tmp_path / place)
    roots = [(f'f"/{root}/', f'f"{tmp_path}/{root}/') for root in ("kaggle", "content")]

    variables = run_to_split(run, monkeypatch, tmp_path, replaced=roots)

    assert variables["folder"] == str(tmp_path / place)
    assert_same_parts(variables, run, tiny)


@pytest.mark.parametrize(
    "place",
    ["kaggle/input/mine", "kaggle/input/datasets/me/mine", "content", "content/drive/MyDrive"],
)
def test_file_on_kaggle_or_colab_is_found(home, tmp_path, monkeypatch, place):
    store = write_pets()
    run = new_run("pets", protocol="as-given")
    (tmp_path / place).mkdir(parents=True)
    write_patches(store, tmp_path / place / "pets.npz")
    roots = [(f'f"/{root}/', f'f"{tmp_path}/{root}/') for root in ("kaggle", "content")]

    variables = run_to_split(run, monkeypatch, tmp_path, replaced=roots)

    assert variables["path"] == str(tmp_path / place / "pets.npz")


def test_kaggle_client_downloads_where_there_is_no_folder(tiny, tmp_path, monkeypatch):
    run = new_run()
    write_pictures(tiny, tmp_path / "server")
    client = tmp_path / "python"
    client.write_text(f'#!/bin/sh\necho "$@" > words\ncp -r "{tmp_path}/server" "$8"\n')
    client.chmod(client.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(sys, "executable", str(client))

    variables = run_to_split(run, monkeypatch, tmp_path)

    assert_same_parts(variables, run, tiny)
    assert (tmp_path / "words").read_text() == (
        f"-m kaggle datasets download paultimothymooney/{NAME} --unzip -p {NAME}\n"
    )


def test_failed_download_says_how_to_log_in(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", "false")

    with pytest.raises(SystemExit, match="kaggle auth login"):
        run_to_split(new_run(), monkeypatch, tmp_path)


def test_bundled_model_is_refused_in_one_sentence(home, tmp_path, monkeypatch):
    with pytest.raises(RunError, match="data set of the bundled model is not part of IDC Lab"):
        run_to_split(open_run(BUNDLED_RUN_ID), monkeypatch, tmp_path)
