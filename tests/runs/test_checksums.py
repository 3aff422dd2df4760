"""idc.runs.checksums: damaged files of a run are reported, intact ones are read."""

import random
import shutil

import pandas as pd
import pytest

from idc.errors import DamagedFile
from idc.files import atomic
from idc.launch.start import create_run
from idc.metrics.calibration import Calibration
from idc.runs.checksums import (
    CHECKSUMS_FILE,
    checksums_problem,
    has_file,
    read_checked,
    write_checked,
    write_checked_json,
)
from idc.runs.run import (
    BEST_FILE,
    BUNDLED_RUN_ID,
    CALIBRATION_FILE,
    ENVIRONMENT_FILE,
    PREDICTIONS_FILE,
    SHIPPED_DIR,
    Run,
    open_run,
    open_run_at,
)
from idc.settings.training_config import TrainingConfig

NAME = "values.bin"
JSON_FILES = {
    BEST_FILE: ({"epoch": 3, "val_loss": 0.5}, lambda run: run.best()),
    CALIBRATION_FILE: ({"temperature": 2.0, "threshold": 0.25}, lambda run: run.calibration()),
    ENVIRONMENT_FILE: ({"device": "CPU"}, lambda run: run.environment()),
}


@pytest.fixture
def run(home):
    """A run with each checked file."""
    run = create_run(TrainingConfig(data="a", epochs=2, name="one"))
    for name, (value, _) in JSON_FILES.items():
        write_checked_json(run.folder / name, value)
    rows = range(40)
    table = pd.DataFrame({"row": rows, "probability": [row / 40 for row in rows], "part": "test"})
    content = table.astype({"probability": "float32"}).to_parquet(index=False)
    write_checked(run.folder / PREDICTIONS_FILE, content)
    return run


def flipped(content, bit):
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-7])


def emptied(path):
    path.write_bytes(b"")


def not_utf8(path):
    path.write_bytes(b"\xff\xfe" * 50)


def removed(path):
    path.unlink()


def replaced_by_a_folder(path):
    path.unlink()
    path.mkdir()


DAMAGES = [cut_short, emptied, not_utf8, removed, replaced_by_a_folder]


def test_written_file_is_read_back(tmp_path):
    write_checked(tmp_path / NAME, b"one")
    write_checked(tmp_path / NAME, b"two")

    assert read_checked(tmp_path / NAME) == b"two"


def test_file_of_an_older_version_is_read_unchecked(tmp_path):
    (tmp_path / NAME).write_bytes(b"old")

    assert read_checked(tmp_path / NAME) == b"old"
    assert checksums_problem(tmp_path) == ""


def test_file_that_never_was_is_not_found(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_checked(tmp_path / NAME)


@pytest.mark.parametrize("killed_at", [1, 2])
def test_writer_killed_between_checksum_and_file_leaves_an_intact_file(
    tmp_path, monkeypatch, killed_at
):
    write_checked(tmp_path / NAME, b"one")
    renames = []

    def rename_until_killed(temp_path, path):
        renames.append(path)
        if len(renames) >= killed_at:
            raise KeyboardInterrupt
        temp_path.replace(path)

    with monkeypatch.context() as patch:
        patch.setattr(atomic, "_rename", rename_until_killed)
        with pytest.raises(KeyboardInterrupt):
            write_checked(tmp_path / NAME, b"two")

    assert read_checked(tmp_path / NAME) == b"one"
    write_checked(tmp_path / NAME, b"three")
    assert read_checked(tmp_path / NAME) == b"three"


def test_two_killed_writers_in_a_row_leave_an_intact_file(tmp_path, monkeypatch):
    write_checked(tmp_path / NAME, b"one")
    replace_file = atomic.replace_file

    def replace_only_checksums(path, content, **options):
        if path.name == CHECKSUMS_FILE:
            replace_file(path, content, **options)

    monkeypatch.setattr(atomic, "replace_file", replace_only_checksums)
    write_checked(tmp_path / NAME, b"two")
    write_checked(tmp_path / NAME, b"three")

    assert read_checked(tmp_path / NAME) == b"one"


def test_first_checksum_of_a_file_of_an_older_version_accepts_it_after_a_kill(
    tmp_path, monkeypatch
):
    (tmp_path / NAME).write_bytes(b"old")
    replace_file = atomic.replace_file
    monkeypatch.setattr(
        atomic,
        "replace_file",
        lambda path, content: path.name == CHECKSUMS_FILE and replace_file(path, content),
    )

    write_checked(tmp_path / NAME, b"new")

    assert read_checked(tmp_path / NAME) == b"old"


def test_writing_after_damage_does_not_accept_the_damaged_content(tmp_path, monkeypatch):
    write_checked(tmp_path / NAME, b"one")
    (tmp_path / NAME).write_bytes(b"bad")
    replace_file = atomic.replace_file
    monkeypatch.setattr(
        atomic,
        "replace_file",
        lambda path, content: path.name == CHECKSUMS_FILE and replace_file(path, content),
    )

    write_checked(tmp_path / NAME, b"two")

    with pytest.raises(DamagedFile, match="its checksum differs"):
        read_checked(tmp_path / NAME)


@pytest.mark.parametrize("damage", [cut_short, emptied, not_utf8, replaced_by_a_folder])
def test_damaged_checksums_are_reported_and_files_stay_readable(run, damage):
    damage(run.folder / CHECKSUMS_FILE)

    assert checksums_problem(run.folder) == (
        f"The checksums of the run '{run.id}' are damaged on disk, so its files are not checked; "
        "compute its predictions again to write new ones."
    )
    assert len(run.predictions()) == 40
    assert run.calibration() == Calibration(2.0, 0.25)


def test_intact_run_is_read_without_a_report(run):
    assert checksums_problem(run.folder) == ""
    assert len(run.predictions()) == 40
    assert run.best() == {"epoch": 3, "val_loss": 0.5}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_predictions_are_one_sentence(run, damage):
    damage(run.folder / PREDICTIONS_FILE)

    assert run.has_predictions()
    with pytest.raises(DamagedFile, match=r"^'predictions.parquet' of the run 'one' is damaged on"):
        run.predictions()


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", JSON_FILES)
def test_damaged_json_files_are_one_sentence(run, name, damage):
    damage(run.folder / name)

    with pytest.raises(DamagedFile, match=rf"^'{name}' of the run 'one' is damaged on disk \("):
        JSON_FILES[name][1](run)


def test_each_of_200_bit_flips_in_predictions_is_reported(run):
    path = run.folder / PREDICTIONS_FILE
    content = path.read_bytes()

    for bit in random.Random(0).sample(range(8 * len(content)), 200):
        path.write_bytes(flipped(content, bit))
        with pytest.raises(DamagedFile):
            run.predictions()


def test_each_bit_flip_in_checksums_is_reported_or_harmless(run):
    path = run.folder / CHECKSUMS_FILE
    content = path.read_bytes()
    expected = run.predictions()

    for bit in random.Random(0).sample(range(8 * len(content)), 200):
        path.write_bytes(flipped(content, bit))
        # Changed white space changes nothing; every other flip turns the checks off.
        assert checksums_problem(run.folder) or b"self_sha256" in path.read_bytes()
        pd.testing.assert_frame_equal(run.predictions(), expected)


@pytest.mark.parametrize("damage", [cut_short, emptied, not_utf8, replaced_by_a_folder])
def test_damaged_predictions_without_checksums_are_one_sentence(run, damage):
    (run.folder / CHECKSUMS_FILE).unlink()
    damage(run.folder / PREDICTIONS_FILE)

    with pytest.raises(DamagedFile):
        run.predictions()


def test_copied_run_keeps_its_checksums(run):
    copy = run.folder.with_name("copy")
    shutil.copytree(run.folder, copy)

    assert len(open_run("copy").predictions()) == 40


@pytest.mark.parametrize("name", ["profile.npz", "train_cases.json", CALIBRATION_FILE])
def test_damaged_file_of_the_bundled_model_is_reported(tmp_path, name):
    bundled = open_run(BUNDLED_RUN_ID)
    copy = Run(tmp_path / BUNDLED_RUN_ID, bundled.config)
    shutil.copytree(bundled.folder, copy.folder)
    content = (copy.folder / name).read_bytes()
    assert copy.read_file(name) == content

    (copy.folder / name).write_bytes(flipped(content, 77))

    with pytest.raises(DamagedFile, match="install IDC Lab again"):
        copy.read_file(name)


def test_each_shipped_run_has_checksums_and_intact_files():
    for folder in [SHIPPED_DIR / BUNDLED_RUN_ID, *(SHIPPED_DIR / "demo").iterdir()]:
        assert (folder / CHECKSUMS_FILE).exists()
        assert checksums_problem(folder) == ""
        run = open_run_at(folder)
        assert run.damage() == run.log().problems == []
        assert bool(run.model_sha256()) == run.has_model()


def test_first_write_that_fails_leaves_no_damaged_file(tmp_path, monkeypatch):
    path = tmp_path / "predictions.parquet"

    replace_file = atomic.replace_file

    def fail_for_the_file(target, content):
        if target == path:
            raise OSError(5, "Input/output error")
        replace_file(target, content)

    monkeypatch.setattr(atomic, "replace_file", fail_for_the_file)
    with pytest.raises(OSError, match="Input/output error"):
        write_checked(path, b"content")

    assert not has_file(path)
    with pytest.raises(FileNotFoundError):
        read_checked(path)


def test_file_removed_after_its_first_write_counts_as_damaged(tmp_path):
    path = tmp_path / "predictions.parquet"
    write_checked(path, b"content")
    path.unlink()

    assert has_file(path)
    with pytest.raises(DamagedFile, match="it is missing"):
        read_checked(path)
