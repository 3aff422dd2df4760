"""Other views of the training patches: a patch of tissue has no up, no left, and no exact stain."""

import numpy as np


def augment(
    patches: np.ndarray,
    kind: str,
    rng: np.random.Generator,
    *,
    among: int | None = None,
    first: int = 0,
) -> np.ndarray:
    """Change each patch at random, each on its own.

    Args:
        patches: uint8 RGB, shape (n, 50, 50, 3). Not changed.
        kind: "none", "flips" (one of the 8 flips and right angles) or "flips+stain" (besides,
            stronger or weaker stain in each colour channel).
        rng: where the randomness comes from.
        among: these patches are the ones from number ``first`` on of a batch of so many, which
            several machines share: all draw the same for all, and each changes its own.

    Returns:
        uint8 RGB, shape (n, 50, 50, 3).
    """
    if kind == "none":
        return patches
    among = len(patches) if among is None else among
    own = slice(first, first + len(patches))
    views = _viewed(patches, rng.integers(8, size=among)[own])
    if kind == "flips":
        return views
    shape = (among, 1, 1, 3)
    factor, shift = rng.uniform(0.85, 1.15, shape), rng.uniform(-0.05, 0.05, shape)
    return _restained(views, factor[own], shift[own])


def eight_views(patch: np.ndarray) -> np.ndarray:
    """All flips and right angles of a patch.

    Args:
        patch: uint8 RGB, shape (50, 50, 3).

    Returns:
        uint8 RGB, shape (8, 50, 50, 3), the patch itself first.
    """
    return _viewed(np.repeat(patch[None], 8, axis=0), np.arange(8))


def _viewed(patches: np.ndarray, views: np.ndarray) -> np.ndarray:
    """Each patch in the view of its number, 0 to 7; all of one view are turned at once."""
    viewed = np.empty_like(patches)
    for view in range(8):
        chosen = views == view
        turned = np.rot90(patches[chosen], view % 4, axes=(1, 2))
        viewed[chosen] = turned[:, :, ::-1] if view >= 4 else turned
    return viewed


def _restained(patches: np.ndarray, factor: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Scale and shift the optical density of each channel.

    Stain absorbs light exponentially (Beer-Lambert), so its amount is linear in optical density,
    where stain jitter is usually applied (Tellez et al. 2018, doi:10.1109/TMI.2018.2820199).
    """
    density = -np.log((patches.astype(np.float32) + 1) / 256)
    density = density * factor + shift
    return np.clip(np.rint(256 * np.exp(-density) - 1), 0, 255).astype(np.uint8)
