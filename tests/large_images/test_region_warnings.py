"""idc.large_images.region_warnings: a region gets a warning when a third of its patches are
unfamiliar."""

from types import SimpleNamespace

import numpy as np
import pytest

from idc.datasets.description import DataDescription
from idc.large_images import region_warnings
from idc.large_images.region import RegionPredictions
from idc.large_images.region_warnings import region_warning
from idc.prediction.appearance import fit_profile
from idc.prediction.image_warnings import OTHER_SENTENCES, WARNING_SENTENCES
from tests.support.made_tissue import made_features, pink_patches

TISSUE = pink_patches(40, 7)
GLASS = np.full((50, 50, 3), 244, np.uint8)


def brown():
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 8, (50, 50, 1))
    return np.clip(np.array([150, 100, 60]) + noise, 0, 255).astype(np.uint8)


@pytest.fixture
def run(monkeypatch):
    """A run whose model was trained on pink patches."""
    training, held_out = ((pink_patches(n, n), made_features(n, n)) for n in (300, 100))
    profile = fit_profile(training, held_out)
    monkeypatch.setattr(region_warnings, "profile_of", lambda run: profile)
    usual = made_features(300, 300)[:1]
    output = SimpleNamespace(features=usual)
    monkeypatch.setattr(
        region_warnings,
        "predict_with_features",
        lambda run, patches: SimpleNamespace(features=output.features.repeat(len(patches), axis=0)),
    )
    return SimpleNamespace(description=DataDescription)


def warning(run, patches):
    """The warning for a region of one row of tiles, the last of which has no prediction."""
    tiles = np.full((1, len(patches) + 1), 0.5, np.float32)
    tiles[0, -1] = np.nan
    return region_warning(run, RegionPredictions(None, tiles), lambda row, column: patches[column])


def test_tissue_gets_no_warning(run):
    assert warning(run, list(TISSUE)) is None


def test_a_third_of_unfamiliar_patches_gives_the_commonest_reason(run):
    assert warning(run, [*[brown()] * 12, *TISSUE[:24]]) == (
        "12 of 36 patches that were checked are unlike those that the model learned from. "
        f"The commonest reason: {WARNING_SENTENCES['brown']}"
    )


def test_fewer_unfamiliar_patches_give_no_warning(run):
    assert warning(run, [*[brown()] * 11, *TISSUE[:25]]) is None


def test_reason_for_a_run_on_another_data_set_does_not_speak_of_h_and_e(run):
    run.description = lambda: DataDescription(class_names=("cat", "dog"))

    found = warning(run, [brown()] * 12)

    assert found.endswith(f"The commonest reason: {OTHER_SENTENCES['brown']}")
    assert "H&E" not in found


def test_blank_patches_are_not_counted(run):
    assert warning(run, [GLASS] * 9) is None
    assert warning(run, [*[GLASS] * 9, brown(), *TISSUE[:2]]).startswith("1 of 3 patches")


def test_sample_is_spread_over_the_region(run):
    assert warning(run, [brown()] * 1_000).startswith("48 of 48 patches")
    assert warning(run, [*[brown()] * 500, *list(TISSUE[:20]) * 25]).startswith("24 of 48 patches")


def test_no_predictions_or_no_profile_gives_no_warning(run, monkeypatch):
    assert region_warning(run, RegionPredictions(None, np.full((2, 2), np.nan)), None) is None
    monkeypatch.setattr(region_warnings, "profile_of", lambda run: None)
    assert warning(run, [brown()]) is None
