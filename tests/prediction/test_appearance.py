"""idc.prediction.appearance: seven numbers per patch and their limits."""

import cv2
import numpy as np
import pytest

from idc.errors import DataError
from idc.files.arrays import write_arrays
from idc.prediction.appearance import SIGNALS, AppearanceProfile, fit_profile, log_contrasts
from tests.support.made_tissue import made_features, pink_patches


@pytest.fixture(scope="module")
def profile():
    training, held_out = ((pink_patches(n, n), made_features(n, n)) for n in (300, 100))
    return fit_profile(training, held_out)


def signal(profile, name, patch, features=None):
    features = made_features(1) if features is None else features
    return float(profile.signals(patch[None], features)[0, SIGNALS.index(name)])


def plain(*rgb):
    return np.full((50, 50, 3), rgb, np.uint8)


# The signals


def test_blank_is_the_share_without_tissue(profile):
    patch = plain(240, 240, 240)
    patch[:, :10] = 150, 80, 160

    assert signal(profile, "blank", patch) == pytest.approx(0.8)


def test_grey_rises_as_colour_fades(profile):
    assert signal(profile, "grey", plain(90, 90, 90)) == 0
    assert signal(profile, "grey", plain(200, 100, 150)) == -100


def test_brown_is_the_share_of_the_stain_that_absorbs_blue_most(profile):
    patch = plain(225, 150, 195)
    assert signal(profile, "brown", patch) == 0
    patch[:25] = 140, 90, 50
    density = -np.log10((np.array([[225, 150, 195], [140, 90, 50]]) + 1) / 256).sum(axis=1)
    assert signal(profile, "brown", patch) == pytest.approx(density[1] / density.sum(), abs=1e-5)


def test_cold_is_the_share_of_the_stain_that_absorbs_red_most(profile):
    assert signal(profile, "cold", plain(120, 160, 190)) == pytest.approx(1)
    assert signal(profile, "cold", plain(225, 150, 195)) == 0


def test_colours_absent_from_training_have_the_most_bits(profile):
    assert signal(profile, "colour", plain(0, 255, 0)) == 23
    assert signal(profile, "colour", pink_patches(1, 9)[0]) < 12


def test_plain_patch_has_the_minimum_contrast():
    assert log_contrasts(plain(200, 100, 150)[None]) == pytest.approx(np.log(1e-3), abs=1e-3)


def test_blurring_reduces_the_finest_contrast_most():
    sharp = pink_patches(1)[0]
    blurred = cv2.GaussianBlur(sharp, (0, 0), 2)

    lost = log_contrasts(sharp[None])[0] - log_contrasts(blurred[None])[0]

    assert lost[0] > lost[1] > lost[3] > 0


def test_feature_distance_is_scaled_by_spread(profile):
    usual = signal(profile, "features", pink_patches(1)[0], made_features(1))
    far = made_features(1)
    far[0, 1] += 2

    assert usual < 5
    assert signal(profile, "features", pink_patches(1)[0], far) > 8


# The limits


def test_requested_share_of_patches_exceeds_a_limit():
    training, held_out = ((pink_patches(n, n), made_features(n, n)) for n in (300, 100))

    profile = fit_profile(training, held_out, warning_rate=0.1)

    exceeded = np.concatenate(
        [profile.exceeded_limits(*training), profile.exceeded_limits(*held_out)]
    )
    assert 0.05 < exceeded.any(axis=1).mean() <= 0.1


def test_similar_patches_stay_within_the_limits_and_noise_exceeds_them(profile):
    others = profile.exceeded_limits(pink_patches(200, 7), made_features(200, 7)).any(axis=1)
    noise = np.random.default_rng(0).integers(0, 256, (20, 50, 50, 3)).astype(np.uint8)

    assert others.mean() < 0.06
    assert profile.exceeded_limits(noise, made_features(20)).any(axis=1).all()


def test_limits_of_the_first_signals_have_a_lower_bound():
    # These patches contain only tissue and are strongly coloured.
    profile = fit_profile((pink_patches(200), made_features(200)), (pink_patches(0), []))
    limits = dict(zip(SIGNALS, profile.limits.tolist(), strict=True))

    assert limits["blank"] == 0.75
    assert (limits["grey"], limits["brown"], limits["cold"]) == (-12, 0.25, 0.25)


def test_lack_of_detail_distinguishes_blur_from_noise(profile):
    sharp = pink_patches(10, 5)
    blurred = np.stack([cv2.GaussianBlur(patch, (0, 0), 3) for patch in sharp])
    grain = np.random.default_rng(0).normal(0, 40, sharp.shape)

    assert profile.lacks_detail(blurred).all()
    assert not profile.lacks_detail(np.clip(sharp + grain, 0, 255).astype(np.uint8)).any()


def test_too_few_patches_are_refused():
    few = pink_patches(199), made_features(199)

    with pytest.raises(DataError, match="at least 200 training patches"):
        fit_profile(few, few)


# Files


def test_profile_round_trips_through_its_file(profile, tmp_path):
    profile.save(tmp_path / "profile.npz")
    patches, features = pink_patches(5), made_features(5)

    loaded = AppearanceProfile.load(tmp_path / "profile.npz")

    assert np.array_equal(loaded.signals(patches, features), profile.signals(patches, features))
    assert loaded.limits.tolist() == profile.limits.tolist()
    assert loaded.patches == 300


def test_file_of_other_arrays_is_refused(tmp_path):
    write_arrays(tmp_path / "profile.npz", patches=3)

    with pytest.raises(DataError, match="it is not a profile"):
        AppearanceProfile.load(tmp_path / "profile.npz")
