"""``export`` writes whole files, and refuses in one sentence."""

import json

import numpy as np
import pytest

from idc.__main__ import main
from idc.launch.start import create_run
from idc.runs.notes import RunNotes, write_notes
from idc.settings.training_config import preset_config
from tests.export.made_runs import run_with_weights
from tests.support.disk_faults import install_fault
from tests.support.made_patches import tiny_store

pytestmark = pytest.mark.slow  # imports TensorFlow


@pytest.fixture
def run(home):
    tiny_store("tiny", cases=3, per_case=8)
    return create_run(preset_config("fast", "tiny", protocol="random"))


@pytest.fixture
def trained(home):
    tiny_store("tiny", cases=3, per_case=8)
    return run_with_weights(protocol="random")


def refused(capsys, *words):
    """The sentence with which the command ends."""
    assert main(["export", *map(str, words)]) == 2
    [line] = capsys.readouterr().err.splitlines()
    return line.removeprefix("idc: ")


def test_notebook_script_and_patches_are_written_together(run, tmp_path, capsys):
    files = {name: tmp_path / f"out.{name}" for name in ("ipynb", "py", "npz")}
    options = zip(("--notebook", "--script", "--patches"), map(str, files.values()), strict=True)

    assert main(["export", run.id, *(word for pair in options for word in pair)]) == 0

    assert capsys.readouterr().out.splitlines() == [str(path) for path in files.values()]
    notebook = json.loads(files["ipynb"].read_text())
    assert notebook["cells"][0]["source"].startswith("# ")
    assert all(not cell.get("outputs") for cell in notebook["cells"])
    compile(files["py"].read_text(), "out.py", "exec")
    with np.load(files["npz"]) as arrays:
        assert sorted(arrays) == ["cases", "class_names", "labels", "patches", "x", "y"]
        assert arrays["patches"].shape == (24, 50, 50, 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.ipynb", "out.npz", "out.py"]


def test_hostile_name_of_a_run_stays_text(run, tmp_path):
    name = '"""\n# %%\nimport os\r<script>alert(1)</script>[a](b)'
    write_notes(run.folder, RunNotes(name))
    paths = tmp_path / "out.ipynb", tmp_path / "out.py"

    main(["export", run.id, "--notebook", str(paths[0]), "--script", str(paths[1])])

    title = json.loads(paths[0].read_text())["cells"][0]["source"].split("\n")[0]
    assert title.startswith('# """ \\# %% import os &lt;script&gt;alert\\(1\\)&lt;/script&gt;')
    [line] = [line for line in paths[1].read_text().splitlines() if "alert" in line]
    assert line == f"# {title}"


def test_no_secret_and_no_path_lands_in_a_notebook(run, home, tmp_path, monkeypatch):
    for name in ("KAGGLE_KEY", "KAGGLE_API_TOKEN", "IDC_API_TOKEN", "KAGGLE_USERNAME"):
        monkeypatch.setenv(name, "s3cret-value")

    main(["export", run.id, "--notebook", str(tmp_path / "out.ipynb")])

    text = (tmp_path / "out.ipynb").read_text()
    assert "s3cret" not in text and str(home) not in text and str(tmp_path) not in text


def test_nothing_to_write_is_refused(run, capsys):
    assert refused(capsys, run.id).startswith("Nothing is named to write")


def test_existing_file_is_kept_unless_replaced(run, tmp_path, capsys):
    path = tmp_path / "out.py"
    path.write_text("mine")

    assert refused(capsys, run.id, "--script", path) == (
        f"'{path}' exists; give --replace, or choose another name."
    )
    assert path.read_text() == "mine"
    assert main(["export", run.id, "--script", str(path), "--replace"]) == 0
    assert path.read_text() != "mine"


def test_missing_folder_is_named(run, tmp_path, capsys):
    assert "there is no folder" in refused(capsys, run.id, "--script", tmp_path / "a" / "out.py")


@pytest.mark.parametrize("option", ["--notebook", "--patches"])
def test_full_disk_leaves_no_file(run, tmp_path, capsys, monkeypatch, option):
    install_fault("ENOSPC 1+", monkeypatch.setattr)

    sentence = refused(capsys, run.id, option, tmp_path / "out")

    assert "cannot be written (No space left on device)" in sentence
    assert list(tmp_path.iterdir()) == []


def test_unknown_run_and_lost_data_set_are_named(run, home, tmp_path, capsys):
    assert refused(capsys, "no-run", "--script", tmp_path / "a") == "There is no run 'no-run'."
    (home / "data" / "tiny").rename(home / "data" / "other")

    assert "There is no data set named 'tiny'" in refused(
        capsys, run.id, "--script", tmp_path / "a"
    )


@pytest.mark.parametrize("option", ["--notebook", "--patches"])
def test_damaged_pixel_is_not_exported(run, home, tmp_path, capsys, option):
    path = home / "data" / "tiny" / "patches.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)

    assert "is damaged on disk" in refused(capsys, run.id, option, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_damaged_weights_are_named(trained, tmp_path, capsys):
    (trained.folder / "best.weights.h5").write_bytes(b"damaged")

    sentence = refused(capsys, trained.id, "--script", tmp_path / "out.py")

    assert "are damaged on disk" in sentence
    assert list(tmp_path.iterdir()) == []


def test_model_file_is_written_with_its_description(trained, tmp_path, capsys):
    path = tmp_path / "model.keras"

    assert main(["export", trained.id, "--format", "keras", "--out", str(path)]) == 0

    assert capsys.readouterr().out.splitlines() == [str(path), f"{path}.json"]
    about = json.loads((tmp_path / "model.keras.json").read_text())
    assert about["model_sha256"] == trained.best()["model_sha256"]
    assert "exists" in refused(capsys, trained.id, "--format", "keras", "--out", path)


def test_format_and_out_belong_together(run, tmp_path, capsys):
    assert refused(capsys, run.id, "--format", "onnx") == "Give both --format and --out."
    assert refused(capsys, run.id, "--out", tmp_path / "a") == "Give both --format and --out."


def test_hub_and_mlflow_refuse_in_one_sentence(run, tmp_path, capsys):
    assert "exists" in refused(capsys, run.id, "--hub", tmp_path)
    assert "--mlflow takes an address" in refused(capsys, run.id, "--mlflow", "here")
    assert "no finished epoch yet" in refused(capsys, run.id, "--hub", tmp_path / "new")
    assert "no finished epoch yet" in refused(capsys, run.id, "--mlflow", "file:///a")
