"""idc.prediction.image_warnings: the reasons for a warning about a prediction, and their
sentences."""

import cv2
import numpy as np
import pytest
from sklearn.datasets import load_sample_images

from idc.datasets.store import open_store
from idc.ingest.packing import pack
from idc.prediction.appearance import fit_profile
from idc.prediction.image_warnings import (
    OTHER_SENTENCES,
    WARNING_SENTENCES,
    patch_warnings,
    profile_of,
    warning_reasons,
    warnings_for_patches,
)
from idc.prediction.predictor import predict_with_features
from idc.runs.run import BUNDLED_RUN_ID, open_run
from idc.shipped.build_assets import profile_rows
from tests.support.made_tissue import made_features, pink_patches


@pytest.fixture(scope="module")
def profile():
    training, held_out = ((pink_patches(n, n), made_features(n, n)) for n in (300, 100))
    return fit_profile(training, held_out)


def reasons(profile, patch, features=None):
    features = made_features(1) if features is None else features
    return warning_reasons(profile, np.asarray(patch, np.uint8)[None], features)[0]


def noisy(*rgb):
    rng = np.random.default_rng(0)
    return np.clip(np.array(rgb) + rng.normal(0, 8, (50, 50, 1)), 0, 255).astype(np.uint8)


def test_ordinary_patch_gets_no_warning(profile):
    assert reasons(profile, pink_patches(1, 4)[0]) == []


def test_bare_glass_is_only_blank(profile):
    assert reasons(profile, noisy(243, 242, 244)) == ["blank"]


def test_grey_image_gets_no_other_colour_warning(profile):
    assert "grey" in reasons(profile, noisy(120, 120, 120))
    assert "colour" not in reasons(profile, noisy(120, 120, 120))


def test_brown_image_gets_the_brown_warning(profile):
    assert reasons(profile, noisy(150, 100, 60))[0] == "brown"


def test_blue_image_gets_the_cold_warning(profile):
    assert reasons(profile, noisy(60, 130, 160))[0] == "cold"


def test_red_image_gets_the_colour_warning(profile):
    assert reasons(profile, noisy(250, 20, 140))[0] == "colour"


def test_blurred_tissue_gets_the_blurred_warning(profile):
    blurred = cv2.GaussianBlur(pink_patches(1, 4)[0], (0, 0), 4)

    assert reasons(profile, blurred) == ["blurred"]


def test_grainy_tissue_gets_the_texture_warning(profile):
    grain = np.random.default_rng(0).normal(0, 40, (50, 50, 1))

    assert "texture" in reasons(profile, np.clip(pink_patches(1, 4)[0] + grain, 0, 255))


def test_features_warn_only_without_another_explanation(profile):
    far = made_features(1) + np.float32(3)

    assert reasons(profile, pink_patches(1, 4)[0], far) == ["features"]
    assert reasons(profile, noisy(243, 242, 244), far) == ["blank"]


def test_every_warning_is_one_sentence_with_a_remedy():
    assert OTHER_SENTENCES.keys() == WARNING_SENTENCES.keys()
    for sentence in [*WARNING_SENTENCES.values(), *OTHER_SENTENCES.values()]:
        assert sentence.endswith(".") and sentence.count(". ") == 0
        assert any(word in sentence for word in ("use ", "choose ", "do not rely"))


def test_batch_gives_the_warnings_of_single_patches(profile):
    patches = np.stack([noisy(243, 242, 244), *pink_patches(3, 4), noisy(150, 100, 60)])
    features = made_features(5)

    together = warning_reasons(profile, patches, features)

    assert together == [
        warning_reasons(profile, patches[n : n + 1], features[n : n + 1])[0] for n in range(5)
    ]


# The bundled model


def test_bundled_profile_matches_the_bundled_features():
    profile = profile_of(open_run(BUNDLED_RUN_ID))

    assert profile.patches == 4_000
    assert profile.features_mean.shape == (96,)
    assert np.isfinite(profile.limits).all()


@pytest.mark.slow
def test_bundled_model_warns_about_photographs_and_bare_glass(home):
    run = open_run(BUNDLED_RUN_ID)
    china = load_sample_images().images[0]
    photographs = np.stack([china[y : y + 50, x : x + 50] for y in (0, 200) for x in (0, 300)])

    assert patch_warnings(run, np.full((50, 50, 3), 255, np.uint8)) == [WARNING_SENTENCES["blank"]]
    assert all(warnings_for_patches(run, photographs))


@pytest.mark.real
@pytest.mark.slow
def test_at_most_two_percent_of_unseen_real_patches_get_warnings(home, real_data):
    pack([real_data / "idc_sampled_cases.zip", real_data / "idc_complete_cases.zip"], "real")
    run, store = open_run(BUNDLED_RUN_ID), open_store("real")
    rows = profile_rows(run, store)["report"][::2]
    patches = np.array(store.patches[rows])

    told_of = warning_reasons(
        profile_of(run), patches, predict_with_features(run, patches).features
    )
    blurred = np.stack([cv2.GaussianBlur(patch, (0, 0), 4) for patch in patches[:50]])

    assert len(rows) > 1_000
    assert np.mean([bool(names) for names in told_of]) <= 0.02
    assert all(warnings_for_patches(run, blurred))
