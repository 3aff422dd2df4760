"""Trainings on patches of another side than the Kaggle set's."""

import numpy as np
import pytest

from idc.datasets.description import DataDescription
from idc.datasets.store import PackReport, open_store
from idc.datasets.store_writer import PatchBlock, StoreWriter
from idc.launch.start import create_run
from idc.networks.weights import load_model
from idc.runs.run import WEIGHTS_FILE, open_run
from idc.settings.training_config import preset_config
from idc.training import loop

pytestmark = pytest.mark.slow  # imports TensorFlow

CATS = DataDescription(
    side_px=32, mpp_um=None, class_names=("cat", "dog"), has_cases=False, has_places=False
)


def write_cats(count=40):
    """Dark cats and bright dogs, 32 x 32 px."""
    labels = np.arange(count) % 2
    rng = np.random.default_rng(0)
    pixels = (
        rng.integers(0, 100, (count, 32, 32, 3), np.uint8)
        + (120 * labels).astype(np.uint8)[:, None, None, None]
    )
    names = np.stack([0 * labels, 0 * labels, np.arange(count), labels], axis=1).astype(np.int32)
    with StoreWriter("cats", count, description=CATS) as writer:
        writer.add_block(PatchBlock(names, pixels, np.full((count, 2), 32, np.int16)))
        writer.finish(PackReport(("cats",)))
    return open_store("cats")


def test_run_trains_on_patches_of_32_px_and_knows_their_description(home):
    store = write_cats()
    config = preset_config("notebook", "cats", protocol="random", batch_size=8, epochs=1)
    run = create_run(config)

    loop.train(run)

    run = open_run(run.id)
    assert run.status().state == "finished"
    assert run.description() == CATS
    predictions = run.predictions()
    assert len(predictions) == 12  # validation and test
    model = load_model(run.folder / WEIGHTS_FILE, config.network, run.best()["sha256"], 32)
    assert model.input_shape == (None, 32, 32, 3)
    scored = model.predict_on_batch(store.patches[predictions["row"].to_numpy()])[:, 1]
    assert np.abs(scored - predictions["probability"]).max() < 1e-5
