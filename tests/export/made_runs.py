"""Data sets and runs that are exported in tests, and how their code is run."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from idc.datasets.description import DataDescription
from idc.datasets.store import PackReport, open_store
from idc.datasets.store_writer import PatchBlock, StoreWriter
from idc.export.notebook import percent_text
from idc.launch.start import create_run
from idc.networks.inference import predict_probabilities
from idc.networks.models import build_model
from idc.patches import PatchName
from idc.runs.checksums import write_checked_json
from idc.runs.log import LogWriter
from idc.runs.run import ENVIRONMENT_FILE, RunStatus, open_run
from idc.runs.split import run_split
from idc.settings.training_config import preset_config
from idc.training.environment import describe_environment
from idc.training.observers.outputs import save_best_weights, save_predictions

HOSTILE_CLASSES = ('c\'at""" #{{1}}', 'd"og<b>`$x$`[a](b)\\')
HOSTILE_CASES = ("p\n# %%\nopen('stolen', 'w')", 'q"""', "r'''{% raw %}")
# A set of another side, with names of classes and cases that are hostile, and its own parts.
PETS = DataDescription(
    side_px=32,
    mpp_um=None,
    class_names=HOSTILE_CLASSES,
    case_names=HOSTILE_CASES,
    has_cases=True,
    has_places=False,
    has_parts=True,
)


def write_pets(name="pets", per_case=16):
    """Three cases of both classes, dark and bright; case k belongs to part k."""
    case = np.repeat(np.arange(3), per_case)
    x = np.tile(np.arange(per_case), 3)
    label = x % 2
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 100, (len(case), 32, 32, 3), np.uint8)
    pixels += (120 * label).astype(np.uint8)[:, None, None, None]
    names = np.stack([case, 0 * x, x, label], axis=1).astype(np.int32)
    sizes = np.full((len(case), 2), 32, np.int16)
    with StoreWriter(name, len(case), description=PETS) as writer:
        writer.add_block(PatchBlock(names, pixels, sizes, case.astype(np.int8)))
        writer.finish(PackReport((name,), layout="class folders"))
    return open_store(name)


def write_cats(name="cats", count=32):
    """Patches of no case, a training and a validation part, no test part."""
    about = replace(PETS, case_names=(), has_cases=False, class_names=("cat", "dog"))
    x = np.arange(count)
    pixels = np.random.default_rng(1).integers(0, 100, (count, 32, 32, 3), np.uint8)
    pixels += (120 * (x % 2)).astype(np.uint8)[:, None, None, None]
    names = np.stack([0 * x, 0 * x, x, x % 2], axis=1).astype(np.int32)
    sizes = np.full((count, 2), 32, np.int16)
    with StoreWriter(name, count, description=about) as writer:
        writer.add_block(PatchBlock(names, pixels, sizes, (x >= 20).astype(np.int8)))
        writer.finish(PackReport((name,), layout="class folders"))
    return open_store(name)


def write_pictures(store, folder: Path, rows=None) -> Path:
    """The patches as pictures in the Kaggle set's layout, below a new folder."""
    columns = store.columns
    for row in range(len(store)) if rows is None else rows:
        name = PatchName(*(int(columns[key][row]) for key in ("case", "y", "x", "label")))
        parent = folder / str(name.case) / str(name.label)
        parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(parent / name.file_name()), store.patches[row][..., ::-1])
    return folder


def run_to_split(run, monkeypatch, folder, *, replaced=(), **environ):
    """Execute the code of a run's script up to the split, in a folder.

    Args:
        replaced: pairs (text, other text) to replace in the code before.

    Returns:
        its variables.
    """
    code = percent_text(run, "script").split("# ## Network")[0]
    for text, other in replaced:
        assert text in code
        code = code.replace(text, other)
    monkeypatch.chdir(folder)
    monkeypatch.delenv("PATCHES", raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, str(value))
    variables = {"__name__": "__main__"}
    exec(code, variables)
    assert not (folder / "stolen").exists()  # what hostile names would write
    return variables


def run_with_weights(data="tiny", preset="fast", **settings):
    """A finished run with initial weights: what exports read, without a training."""
    config = preset_config(preset, data, epochs=1, batch_size=8, **settings)
    run, store = create_run(config), open_store(data)
    split, model = run_split(run, store), build_model(config.network, store.description.side_px)
    write_checked_json(run.folder / ENVIRONMENT_FILE, describe_environment(store))
    save_best_weights(run, model, {"epoch": 1, "val_loss": 0.7, "val_roc_auc": 0.5})
    parts = {name: split.rows(name) for name in ("validation", "test")}
    answers = {
        name: predict_probabilities(model, store.patches, rows) for name, rows in parts.items()
    }
    save_predictions(run, split, answers)
    entry = {"epoch": 1, "loss": 0.7, "val_loss": 0.7, "val_roc_auc": 0.5, "best": True}
    LogWriter(run.folder).append("epoch", **entry)
    run.write_status(RunStatus(state="finished", epochs=1, epoch=1))
    return open_run(run.id)
