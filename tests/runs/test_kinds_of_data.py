"""Runs and data sets of different kinds: what is refused, and which cases are compared."""

import numpy as np
import pytest

from idc.datasets.description import DataDescription
from idc.datasets.store import PackReport, open_store
from idc.datasets.store_writer import PatchBlock, StoreWriter
from idc.errors import PredictionError, RunError
from idc.evaluation.results import fresh_results
from idc.files import atomic
from idc.imaging.rescaling import ModelScale
from idc.large_images.region import check_scale_choice, model_scale
from idc.launch.start import create_run
from idc.runs.run import ENVIRONMENT_FILE, open_run
from idc.runs.split import check_same_kind, held_out_rows, seen_cases
from idc.settings.training_config import preset_config
from tests.support.made_patches import tiny_store

CATS = DataDescription(side_px=32, mpp_um=None, class_names=("cat", "dog"), has_places=False)


def write_cats(name, count=6):
    """Cases 1, 1, 2, 2, 3, 3 of a cat and a dog each."""
    names = np.array([[1 + k // 2, 0, k, k % 2] for k in range(count)], np.int32)
    pixels = np.zeros((count, 32, 32, 3), np.uint8)
    with StoreWriter(name, count, description=CATS) as writer:
        writer.add_block(PatchBlock(names, pixels, np.full((count, 2), 32, np.int16)))
        writer.finish(PackReport((name,)))
    return open_store(name)


@pytest.fixture
def cat_run(home):
    """A run on the data set "cats", with the description that its trainer records."""
    write_cats("cats")
    run = create_run(preset_config("fast", "cats"))
    environment = {"data_description": CATS.to_json()}
    atomic.replace_json(run.folder / ENVIRONMENT_FILE, environment)
    return open_run(run.id)


def test_run_is_not_applied_to_patches_of_another_kind(cat_run):
    store = tiny_store("tiny", cases=3, per_case=4)

    with pytest.raises(RunError) as refused:
        fresh_results(cat_run, store)

    assert str(refused.value) == (
        f"The run '{cat_run.id}' was trained on patches of 32 x 32 px at unknown scale, cat or "
        "dog; the data set 'tiny' holds patches of 50 x 50 px at 4 µm per pixel, IDC-negative or "
        "IDC-positive. Choose another run, or train one on this data set."
    )


def test_run_is_applied_to_another_data_set_of_its_kind(cat_run):
    check_same_kind(cat_run, write_cats("more_cats"))


def test_case_numbers_of_different_sets_are_not_compared(cat_run):
    others = write_cats("more_cats")

    assert seen_cases(cat_run, others) is None
    assert held_out_rows(cat_run, others).tolist() == [0, 1, 2, 3, 4, 5]
    assert seen_cases(cat_run, open_store("cats")) == 1


def test_region_of_unknown_scale_is_cut_as_it_is_only_when_stated(cat_run):
    with pytest.raises(PredictionError) as refused:
        check_scale_choice(cat_run, own_pixels=False)

    assert str(refused.value) == (
        f"The run '{cat_run.id}' was trained on patches of unknown scale; cut the image into "
        "patches of 32 x 32 px as it is with --own-pixels, or train on a data set packed with "
        "--mpp."
    )
    check_scale_choice(cat_run, own_pixels=True)
    assert model_scale(cat_run) == ModelScale(32, None)


def test_own_pixels_are_refused_for_a_run_of_known_scale(home):
    tiny_store("tiny", cases=3, per_case=4)
    run = create_run(preset_config("fast", "tiny"))

    check_scale_choice(run, own_pixels=False)
    with pytest.raises(PredictionError, match="was trained at 4 um per pixel; state the scale"):
        check_scale_choice(run, own_pixels=True)
