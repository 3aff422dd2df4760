"""Notebooks and scripts of every preset reach their run's weights exactly.

The runs are trained for an epoch of few steps. All but one execute eagerly, on both sides, because
tracing a graph takes longer than the steps.
"""

import runpy

import keras
import nbformat
import pytest
from nbclient import NotebookClient

from idc.export.notebook import notebook_bytes, script_bytes
from idc.export.patches_file import write_patches
from idc.launch.start import create_run
from idc.runs.run import open_run
from idc.settings.training_config import PRESETS, preset_config
from tests.export.made_runs import write_pets, write_pictures
from tests.support.made_patches import tiny_store

pytestmark = pytest.mark.slow  # trains

SETTINGS = {
    "notebook": {"early_stopping": True, "patience": 1},
    "fast": {"patches": 40},
    "accurate": {"protocol": "random"},
    "yours": {"balancing": "resampling", "architecture": "2x1-w4-k3-average-d10-flatten"},
}
EXACT = "The weights equal the run's exactly: True"


@pytest.fixture(scope="module")
def eager():
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def exported(tmp_path_factory, eager):
    """A folder with the patches of both data sets, and a run of each kind: name -> run."""
    from idc.training.loop import train

    folder = tmp_path_factory.mktemp("exported")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IDC_HOME", str(folder / "home"))
        tiny, pets = tiny_store("tiny", cases=4, per_case=12), write_pets()
        write_pictures(tiny, folder / "breast-histopathology-images")
        write_patches(pets, folder / "pets.npz")
        configs = {
            preset: preset_config(preset, "tiny", epochs=1, batch_size=8, **settings)
            for preset, settings in SETTINGS.items()
        }
        hostile = {"protocol": "as-given", "name": 'a"""\n# %%\nopen("stolen", "w")\n<b>'}
        configs["pets"] = preset_config("yours", "pets", epochs=2, batch_size=8, **hostile)
        runs = {}
        for name, config in configs.items():
            run = create_run(config)
            train(run)
            runs[name] = open_run(run.id)
        yield folder, runs


@pytest.fixture(scope="module")
def kernel(exported):
    """Executes notebooks one after the other in one kernel; returns all they print."""
    folder, _ = exported
    client = NotebookClient(
        nbformat.v4.new_notebook(), timeout=300, resources={"metadata": {"path": str(folder)}}
    )

    def execute(content, *, eagerly=True, patches=""):
        notebook = nbformat.reads(content.decode(), as_version=4)
        switch = (
            "import os, tensorflow as tf\n"
            f"tf.config.run_functions_eagerly({eagerly})\n"
            f"os.environ['PATCHES'] = {patches!r}"
        )
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


@pytest.mark.parametrize("name", [*SETTINGS, "pets"])
def test_script_reaches_the_weights_of_its_run(exported, name, monkeypatch, capsys):
    folder, runs = exported
    monkeypatch.chdir(folder)
    (folder / "run.py").write_bytes(script_bytes(runs[name]))

    variables = runpy.run_path("run.py")

    assert EXACT in capsys.readouterr().out
    run = runs[name]
    logged = run.log().epochs
    assert [entry["val_loss"] for entry in variables["history"]] == [
        entry["val_loss"] for entry in logged
    ]
    saved = run.predictions().query("part == 'test'")["probability"].to_numpy()
    assert variables["y_prob"].tolist() == saved.tolist()
    assert (folder / "curves.html").exists() and not (folder / "stolen").exists()
    reread = keras.saving.load_model(folder / "model.keras")
    assert reread.count_params() == run.best()["parameters"]


@pytest.mark.parametrize("name", [*SETTINGS, "pets"])
def test_notebook_reaches_the_weights_of_its_run(exported, kernel, name):
    folder, runs = exported

    printed, figures = kernel(notebook_bytes(runs[name]))

    assert EXACT in printed
    assert "The pixels are the run's, byte for byte: True" in printed
    assert figures == 3  # curves, confusion matrix, ROC curve
    assert not (folder / "stolen").exists()


def test_notebook_reaches_the_weights_of_a_trainer_process(exported, kernel, trained_run):
    """With graphs, as notebooks run by default."""
    from idc.datasets.store import open_store

    folder, _ = exported
    write_pictures(open_store("tiny"), folder / "of_process")

    printed, _ = kernel(notebook_bytes(trained_run), eagerly=False, patches="of_process")

    assert EXACT in printed
