"""Notebooks and scripts of every preset reach their run's weights exactly.

The runs are trained for an epoch of one or two steps. All but one execute eagerly, on both sides,
because tracing a graph takes longer than the steps.
"""

import runpy

import keras
import nbformat
import pytest
import tensorflow as tf
from nbclient import NotebookClient

from idc.export.notebook import notebook_bytes, script_bytes
from idc.export.patches_file import write_patches
from idc.launch.start import create_run
from idc.runs.run import open_run
from idc.settings.training_config import PRESETS, preset_config
from idc.training.loop import train
from tests.export.made_runs import write_cats, write_pets, write_pictures
from tests.support.made_patches import tiny_store

pytestmark = pytest.mark.slow  # trains

SMALL = "2x1-w4-k3-average-d10-flatten"
SETTINGS = {
    "notebook": {"batch_size": 24, "early_stopping": True, "patience": 1},
    "fast": {"batch_size": 24, "patches": 40},
    "accurate": {"batch_size": 40, "protocol": "random"},
    "yours": {"batch_size": 16, "balancing": "resampling", "architecture": SMALL},
}
WITH_GRAPH = "yours"
EXACT = "The weights equal the run's exactly: True"
HOSTILE = 'a"""\n# %%\nopen("stolen", "w")\n<b>'


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A folder with the patches of all data sets, and a run of each kind: name -> run."""
    folder = tmp_path_factory.mktemp("exported")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IDC_HOME", str(folder / "home"))
        tiny = tiny_store("tiny", cases=4, per_case=12)
        write_pictures(tiny, folder / "breast-histopathology-images")
        for store in (write_pets(), write_cats()):
            write_patches(store, folder / f"{store.name}.npz")
        runs = {
            preset: trained(preset, preset, "tiny", **settings)
            for preset, settings in SETTINGS.items()
        }
        others = {"protocol": "as-given", "batch_size": 16, "architecture": SMALL}
        # Stopped after the first of three epochs, so that the schedule is longer than the run.
        runs["pets"] = trained("pets", "yours", "pets", epochs=3, name=HOSTILE, **others)
        runs["cats"] = trained("cats", "yours", "cats", **others)
        yield folder, runs
        tf.config.run_functions_eagerly(False)


def trained(kind, preset, data, **settings):
    """A run that was trained for an epoch."""
    tf.config.run_functions_eagerly(kind != WITH_GRAPH)
    run = create_run(preset_config(preset, data, **{"epochs": 1, **settings}))
    train(run, should_stop=lambda: open_run(run.id).status().epoch == 1)
    return open_run(run.id)


@pytest.fixture(scope="module")
def kernel(exported):
    """Executes notebooks one after the other in one kernel; returns all they print."""
    folder, _ = exported
    client = NotebookClient(
        nbformat.v4.new_notebook(), timeout=300, resources={"metadata": {"path": str(folder)}}
    )

    def execute(content, *, eagerly):
        notebook = nbformat.reads(content.decode(), as_version=4)
        switch = f"import tensorflow as tf; tf.config.run_functions_eagerly({eagerly})"
        notebook.cells.insert(0, nbformat.v4.new_code_cell(switch))
        client.nb = notebook
        for number, cell in enumerate(notebook.cells):
            client.execute_cell(cell, number)
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
        figures = sum("application/vnd.plotly.v1+json" in o.get("data", ()) for o in outputs)
        return "".join(output.get("text", "") for output in outputs), figures

    with client.setup_kernel():
        yield execute


def test_every_preset_is_tried():
    assert set(SETTINGS) == set(PRESETS)


@pytest.mark.parametrize("name", [*SETTINGS, "pets", "cats"])
def test_script_reaches_the_weights_of_its_run(exported, name, monkeypatch, capsys):
    folder, runs = exported
    run = runs[name]
    monkeypatch.chdir(folder)
    (folder / "run.py").write_bytes(script_bytes(run))
    tf.config.run_functions_eagerly(name != WITH_GRAPH)

    variables = runpy.run_path("run.py")

    assert EXACT in capsys.readouterr().out
    scores = ("val_loss", "val_roc_auc")
    assert [[entry[name] for name in scores] for entry in variables["history"]] == [
        [entry[name] for name in scores] for entry in run.log().epochs
    ]
    part = "validation" if name == "cats" else "test"  # cats bring no test part
    saved = run.predictions().set_index("part").loc[part, "probability"]
    assert variables["y_prob"].tolist() == saved.tolist()
    assert (folder / "curves.html").exists() and not (folder / "stolen").exists()
    reread = keras.saving.load_model(folder / "model.keras")
    assert reread.count_params() == run.best()["parameters"]


@pytest.mark.parametrize("name", [*SETTINGS, "pets"])
def test_notebook_reaches_the_weights_of_its_run(exported, kernel, name):
    folder, runs = exported

    printed, figures = kernel(notebook_bytes(runs[name]), eagerly=name != WITH_GRAPH)

    assert EXACT in printed
    assert "The pixels are the run's, byte for byte: True" in printed
    assert figures == 3  # curves, confusion matrix, ROC curve
    assert not (folder / "stolen").exists()


def test_runs_ended_as_the_notebooks_have_to_repeat(exported):
    _, runs = exported

    assert {name: run.status().state for name, run in runs.items()} == {
        **dict.fromkeys([*SETTINGS, "cats"], "finished"),
        "pets": "stopped",
    }
