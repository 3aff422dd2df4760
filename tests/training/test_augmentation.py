import numpy as np
import pytest

from idc.training.augmentation import augment, eight_views


@pytest.fixture
def patches():
    """200 patches of noise, so that no view of one is like another."""
    return np.random.default_rng(0).integers(0, 256, (200, 50, 50, 3), np.uint8)


def views_by_hand(patch):
    """Flips and transpositions, which make the same eight views as turns do."""
    turned = patch.transpose(1, 0, 2)
    return [view for p in (patch, turned) for view in (p, p[::-1], p[:, ::-1], p[::-1, ::-1])]


def test_eight_views_are_the_patch_and_its_flips_and_rotations(patches):
    views = eight_views(patches[0])

    assert views.shape == (8, 50, 50, 3)
    assert np.array_equal(views[0], patches[0])
    assert {view.tobytes() for view in views} == {
        view.tobytes() for view in views_by_hand(patches[0])
    }


def test_eight_views_are_distinct(patches):
    assert len({view.tobytes() for view in eight_views(patches[0])}) == 8


def test_augmentation_none_returns_the_patches(patches):
    assert augment(patches, "none", np.random.default_rng(0)) is patches


def test_flips_use_all_eight_views_of_each_patch(patches):
    flipped = augment(patches, "flips", np.random.default_rng(0))

    chosen = [
        next(number for number, view in enumerate(eight_views(old)) if np.array_equal(view, new))
        for old, new in zip(patches, flipped, strict=True)
    ]
    assert set(chosen) == set(range(8))


@pytest.mark.parametrize("kind", ["flips", "flips+stain"])
def test_augmented_patches_are_uint8_and_originals_unchanged(patches, kind):
    before = patches.copy()

    changed = augment(patches, kind, np.random.default_rng(0))

    assert (changed.dtype, changed.shape) == (np.uint8, patches.shape)
    assert np.array_equal(patches, before)


@pytest.mark.parametrize("kind", ["flips", "flips+stain"])
def test_augmentation_is_reproducible_from_its_generator(patches, kind):
    first, again, other = (
        augment(patches, kind, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_stain_changes_each_channel_of_a_patch_as_a_whole():
    patches = np.full((20, 50, 50, 3), (200, 100, 150), np.uint8)

    changed = augment(patches, "flips+stain", np.random.default_rng(0))

    assert np.array_equal(changed, np.broadcast_to(changed[:, :1, :1], changed.shape))
    assert len({tuple(patch[0, 0].tolist()) for patch in changed}) == 20  # each on its own


def test_stain_scales_optical_density_within_its_bounds():
    patches = np.full((500, 50, 50, 3), 100, np.uint8)

    changed = augment(patches, "flips+stain", np.random.default_rng(0))

    density = -np.log(101 / 256)
    darkest = 256 * np.exp(-(density * 1.15 + 0.05)) - 1
    lightest = 256 * np.exp(-(density * 0.85 - 0.05)) - 1
    assert round(darkest) <= changed.min() < 90
    assert 110 < changed.max() <= round(lightest)


def test_darker_tissue_stays_darker_under_another_stain(patches):
    # With the same random numbers both kinds choose the same views, so pixels can be compared.
    flipped = augment(patches, "flips", np.random.default_rng(3))
    stained = augment(patches, "flips+stain", np.random.default_rng(3))

    for before, after in zip(flipped[:20], stained[:20], strict=True):
        for channel in range(3):
            order = np.argsort(before[..., channel], axis=None)
            assert (np.diff(after[..., channel].ravel()[order].astype(int)) >= 0).all()
