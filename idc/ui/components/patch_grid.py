"""The patch grid: patches side by side, one of them to pick.

All patches travel as one lossless image (a sprite), which the browser cuts up, so 100 patches cost
one message. Navigation, hovering and marking happen in the browser; only a pick reruns the script.
"""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
import streamlit as st

from idc.ui.components.image_uri import png_uri
from idc.ui.components.own_component import own_component

MAX_TILES = 200
_MAX_SPRITE_SIDE_PX = 128  # of a patch; sharp on high-density screens

_view = own_component(__file__)


@dataclass(frozen=True)
class PatchTile:
    """The texts and the row number of one patch in the grid.

    Attributes:
        row: row number in the store; what a pick returns.
        label: ground truth {0, 1}, None if unknown.
        caption: one or two words below the patch: "IDC-positive", "p 0.93".
        details: for the tooltip and screen readers: "case 8863, x 451, y 1451, labelled
            IDC-negative, probability 0.93".
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

    A pick stays while reruns show the same tiles and is dropped when the tiles change. With
    `marks_opened` the caller keeps the pick: each pick is returned once, in the script run that it
    triggers, and the grid marks the tile of `opened`.

    Args:
        patches: uint8 RGB, shape (n, side, side, 3), n at most 200.
        tiles: n tiles, in the order of `patches`.
        tile_px: minimum side of a tile on screen; a narrow phone shrinks it to three per row.
        columns: maximum number of tiles per row. None fills the width.
        label: describes the grid to screen readers: "Patches of case 8863".
        opened: the row to mark, with `marks_opened`; need not be among the tiles.
        errors_of: the `idc.ui.evaluate.browser_predictions` at whose threshold only wrong tiles
            are shown.
        y_prob: with `errors_of`, each tile's probability of IDC-positive, [0, 1].

    Returns:
        The picked tile's `row`, None when nothing is picked.
    """
    _check(patches, tiles)
    patches = _reduced(patches)
    pixels = hashlib.blake2b(patches.tobytes(), digest_size=16).hexdigest()
    display_id = _display_id(key, _digest(pixels, tiles))
    name = "open" if marks_opened else "pick"
    if marks_opened:
        new_pick = _picked_row(st.session_state.get(key, {}).get(name), display_id, tiles)
        opened = opened if new_pick is None else new_pick
    result = _view(
        key=key,
        data={
            "showing": display_id,
            "label": label,
            "tile_px": tile_px,
            "columns": columns,
            "sprite": _sprite_uri(pixels, patches),
            "sprite_columns": sprite_columns(len(tiles)),
            "patch_px": int(patches.shape[1]),
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
    """Patches per row of the sprite, which is as square as possible."""
    return max(1, math.ceil(math.sqrt(count)))


def draw_sprite(patches: np.ndarray) -> np.ndarray:
    """Arrange patches row by row in one image; unused cells stay black.

    Args:
        patches: uint8 RGB, shape (n, side, side, 3), n >= 1.

    Returns:
        uint8 RGB, shape (side * rows, side * columns, 3).
    """
    columns = sprite_columns(len(patches))
    rows = math.ceil(len(patches) / columns)
    cells = np.zeros((rows * columns, *patches.shape[1:]), np.uint8)
    cells[: len(patches)] = patches
    height, width, channels = patches.shape[1:]
    return (
        cells.reshape(rows, columns, height, width, channels)
        .swapaxes(1, 2)
        .reshape(rows * height, columns * width, channels)
    )


def _reduced(patches: np.ndarray) -> np.ndarray:
    """Large patches at the resolution of a tile, uint8 RGB, (n, side, side, 3)."""
    if not len(patches) or patches.shape[1] <= _MAX_SPRITE_SIDE_PX:
        return patches
    size = (_MAX_SPRITE_SIDE_PX, _MAX_SPRITE_SIDE_PX)
    return np.stack([cv2.resize(patch, size, interpolation=cv2.INTER_AREA) for patch in patches])


@st.cache_data(max_entries=32, show_spinner=False)
def _sprite_uri(pixels: str, _patches: np.ndarray) -> str:
    """The sprite as a PNG data URI, "" without patches.

    `pixels` is their digest: Streamlit itself hashes only a sample of a large array.
    """
    return png_uri(draw_sprite(_patches)) if len(_patches) else ""


def _check(patches: np.ndarray, tiles: Sequence[PatchTile]) -> None:
    side = patches.shape[1] if patches.ndim == 4 else 0
    if patches.dtype != np.uint8 or patches.shape != (len(tiles), side, side, 3):
        raise ValueError(
            f"patches must be uint8, shape ({len(tiles)}, {side}, {side}, 3), one per tile. "
            f"Received: {patches.dtype}, shape {patches.shape}"
        )
    if len(tiles) > MAX_TILES:
        raise ValueError(f"a grid holds at most {MAX_TILES} tiles. Received: {len(tiles)}")


def _digest(pixels: str, tiles: Sequence[PatchTile]) -> str:
    """A digest of pixels and tiles: 16 hexadecimal digits."""
    shown = json.dumps([pixels, *(asdict(tile) for tile in tiles)])
    return hashlib.blake2b(shown.encode(), digest_size=8).hexdigest()


def _display_id(key: str, digest: str) -> str:
    """An id of this continuous display of the same tiles, to which a pick belongs.

    Its number increases when the tiles change and when the grid returns after a script run without
    it, so that neither Python nor the browser restores an old pick.
    """
    state_key = f"{key}-showing"
    number, last_digest = st.session_state.get(state_key, (0, ""))
    if digest != last_digest or key not in st.session_state:
        number += 1
    st.session_state[state_key] = (number, digest)
    return f"{digest}-{number}"


def _picked_row(pick: Any, display_id: str, tiles: Sequence[PatchTile]) -> int | None:
    """The row that the browser sent, if it names a tile of the current display."""
    if not isinstance(pick, dict) or pick.get("showing") != display_id:
        return None
    return next((tile.row for tile in tiles if tile.row == pick.get("row")), None)
