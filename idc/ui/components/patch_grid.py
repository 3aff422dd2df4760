"""The patch grid: many patches at a glance, one of them to pick.

All patches travel as one lossless image (a sprite) and the browser cuts it up, so 100 patches
cost one message. Moving about, hovering and marking happen in the browser; Python is asked only
when a patch is picked.
"""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import streamlit as st

from idc.patches import PATCH_SHAPE, PATCH_SIZE_PX
from idc.ui.components.image_uri import png_uri
from idc.ui.components.own_component import own_component

MAX_TILES = 200

_view = own_component(__file__)


@dataclass(frozen=True)
class PatchTile:
    """What is said about one patch of the grid.

    Attributes:
        row: row number in the store; what a pick returns.
        label: ground truth {0, 1}, None if unknown.
        caption: a word or two below the patch: "IDC-positive", "p 0.93".
        details: the whole story, for the tooltip and for screen readers: "case 8863, x 451,
            y 1451, labelled IDC-negative, probability 0.93".
    """

    row: int
    label: int | None
    caption: str
    details: str


def patch_grid(
    patches: np.ndarray,
    tiles: Sequence[PatchTile],
    *,
    key: str,
    tile_px: int = 100,
    columns: int | None = None,
    label: str,
    marks_opened: bool = False,
    opened: int | None = None,
    errors_of: str | None = None,
    y_prob: Sequence[float] = (),
) -> int | None:
    """Show patches side by side and return the picked one.

    A pick stays through reruns that show the same tiles, and is dropped when the tiles change.
    With `marks_opened` the caller keeps what was picked: each pick is returned once, in the run
    that it starts, and otherwise the tile of `opened` is marked.

    Args:
        patches: uint8 RGB, shape (n, 50, 50, 3), n at most 200.
        tiles: n tiles, in the order of `patches`.
        tile_px: the least side of a tile on screen; a narrow phone shrinks it to three a row.
        columns: at most this many tiles a row. None fills the width.
        label: what the grid shows, for screen readers: "Patches of case 8863".
        opened: the row to mark, with `marks_opened`; need not be among the tiles.
        errors_of: the `idc.ui.evaluate.browser_predictions` at whose threshold a tile has to be
            wrong to be seen; then ``y_prob`` is each tile's probability of IDC-positive, [0, 1].

    Returns:
        The picked tile's `row`, None when nothing is picked.
    """
    _check(patches, tiles)
    pixels = hashlib.blake2b(patches.tobytes(), digest_size=16).hexdigest()
    display_id = _display_id(key, _digest(pixels, tiles))
    name = "open" if marks_opened else "pick"
    if marks_opened:
        just_now = _picked_row(st.session_state.get(key, {}).get(name), display_id, tiles)
        opened = opened if just_now is None else just_now
    result = _view(
        key=key,
        data={
            "showing": display_id,
            "label": label,
            "tile_px": tile_px,
            "columns": columns,
            "sprite": _sprite_uri(pixels, patches),
            "sprite_columns": sprite_columns(len(tiles)),
            "patch_px": PATCH_SIZE_PX,
            "tiles": [asdict(tile) for tile in tiles],
            "marks_opened": marks_opened,
            "opened": opened,
            "errors_of": errors_of,
            "y_prob": [float(probability) for probability in y_prob],
        },
        default={"pick": None},
        on_pick_change=lambda: None,
        on_open_change=lambda: None,
    )
    return _picked_row(result.get(name), display_id, tiles)


def sprite_columns(count: int) -> int:
    """Patches in one row of the sprite: as square as can be, so no side grows past 750 px."""
    return max(1, math.ceil(math.sqrt(count)))


def draw_sprite(patches: np.ndarray) -> np.ndarray:
    """Lay patches out row by row in one image; unused places stay black.

    Args:
        patches: uint8 RGB, shape (n, 50, 50, 3), n >= 1.

    Returns:
        uint8 RGB, shape (50 * rows, 50 * columns, 3).
    """
    columns = sprite_columns(len(patches))
    rows = math.ceil(len(patches) / columns)
    places = np.zeros((rows * columns, *PATCH_SHAPE), np.uint8)
    places[: len(patches)] = patches
    height, width, channels = PATCH_SHAPE
    return (
        places.reshape(rows, columns, height, width, channels)
        .swapaxes(1, 2)
        .reshape(rows * height, columns * width, channels)
    )


@st.cache_data(max_entries=32, show_spinner=False)
def _sprite_uri(pixels: str, _patches: np.ndarray) -> str:
    """The sprite as a PNG data URI, "" without patches.

    `pixels` is their digest: Streamlit itself hashes only a sample of a large array.
    """
    return png_uri(draw_sprite(_patches)) if len(_patches) else ""


def _check(patches: np.ndarray, tiles: Sequence[PatchTile]) -> None:
    if patches.dtype != np.uint8 or patches.shape != (len(tiles), *PATCH_SHAPE):
        raise ValueError(
            f"patches must be uint8, shape ({len(tiles)}, 50, 50, 3): one a tile. "
            f"Received: {patches.dtype}, shape {patches.shape}"
        )
    if len(tiles) > MAX_TILES:
        raise ValueError(f"a grid holds at most {MAX_TILES} tiles. Received: {len(tiles)}")


def _digest(pixels: str, tiles: Sequence[PatchTile]) -> str:
    """What is shown, in 16 hexadecimal digits."""
    shown = json.dumps([pixels, *(asdict(tile) for tile in tiles)])
    return hashlib.blake2b(shown.encode(), digest_size=8).hexdigest()


def _display_id(key: str, digest: str) -> str:
    """A name for this unbroken showing of the same tiles; a pick belongs to one showing.

    The number in it moves on when the tiles change and when the grid comes back after a run
    without it, so that neither side brings an old pick back to life.
    """
    state_key = f"{key}-showing"
    number, last_digest = st.session_state.get(state_key, (0, ""))
    if digest != last_digest or key not in st.session_state:
        number += 1
    st.session_state[state_key] = (number, digest)
    return f"{digest}-{number}"


def _picked_row(pick: Any, display_id: str, tiles: Sequence[PatchTile]) -> int | None:
    """What the browser says, believed only if it names a tile of this very showing."""
    if not isinstance(pick, dict) or pick.get("showing") != display_id:
        return None
    return next((tile.row for tile in tiles if tile.row == pick.get("row")), None)
