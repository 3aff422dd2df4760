"""Augmentation of training patches: flips, right-angle rotations, stain jitter."""

import numpy as np

# The random draws for a batch of n patches: nothing; or views, int64 (n,); or views with stain
# factors and stain shifts, float64 (n, 1, 1, 3) each.
AugmentationDraw = tuple[np.ndarray, ...]


def augment(patches: np.ndarray, kind: str, rng: np.random.Generator) -> np.ndarray:
    """Augment each patch independently.

    Args:
        patches: uint8 RGB, shape (n, side, side, 3). Not changed.
        kind: "none", "flips" (one of the 8 flips and right-angle rotations) or "flips+stain" (also
            stronger or weaker stain in each colour channel).
        rng: source of the random draws.

    Returns:
        uint8 RGB, shape (n, side, side, 3).
    """
    return apply_augmentation(patches, draw_augmentation(kind, rng, len(patches)))


def draw_augmentation(kind: str, rng: np.random.Generator, count: int) -> AugmentationDraw:
    """Draw the augmentation of ``count`` patches; other arguments as `augment`."""
    if kind == "none":
        return ()
    views = rng.integers(8, size=count)
    if kind == "flips":
        return (views,)
    shape = (count, 1, 1, 3)
    return views, rng.uniform(0.85, 1.15, shape), rng.uniform(-0.05, 0.05, shape)


def apply_augmentation(patches: np.ndarray, drawn: AugmentationDraw) -> np.ndarray:
    """Apply a draw of `draw_augmentation`.

    Args:
        patches: uint8 RGB, shape (n, side, side, 3). Not changed.

    Returns:
        uint8 RGB, shape (n, side, side, 3).
    """
    if not drawn:
        return patches
    views, *stain = drawn
    viewed = _apply_views(patches, views)
    return jitter_stain(viewed, *stain) if stain else viewed


def view_pixel_indices(side_px: int) -> np.ndarray:
    """Source pixel of each pixel of a view: int32, shape (8, side * side), one row per view."""
    pixels = np.arange(side_px**2, dtype=np.int32).reshape(1, side_px, side_px)
    return _apply_views(np.repeat(pixels, 8, axis=0), np.arange(8)).reshape(8, -1)


def eight_views(patch: np.ndarray) -> np.ndarray:
    """All flips and right-angle rotations of a patch.

    Args:
        patch: uint8 RGB, shape (side, side, 3).

    Returns:
        uint8 RGB, shape (8, side, side, 3), the patch itself first.
    """
    return _apply_views(np.repeat(patch[None], 8, axis=0), np.arange(8))


def _apply_views(patches: np.ndarray, views: np.ndarray) -> np.ndarray:
    """Apply view 0 to 7 to each patch; the patches of one view are rotated together."""
    viewed = np.empty_like(patches)
    for view in range(8):
        selected = views == view
        rotated = np.rot90(patches[selected], view % 4, axes=(1, 2))
        viewed[selected] = rotated[:, :, ::-1] if view >= 4 else rotated
    return viewed


def jitter_stain(patches: np.ndarray, factor: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Scale and shift the optical density of each channel.

    Stain absorbs light exponentially (Beer-Lambert), so its amount is linear in optical density,
    where stain jitter is usually applied (Tellez et al. 2018, doi:10.1109/TMI.2018.2820199).
    """
    density = -np.log((patches.astype(np.float32) + 1) / 256)
    density = density * factor + shift
    return np.clip(np.rint(256 * np.exp(-density) - 1), 0, 255).astype(np.uint8)
