"""Patches of a store as tiles, and one of them enlarged with its facts."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
import pandas as pd
import streamlit as st

from idc.datasets.store import PatchStore
from idc.patches import CLASS_NAMES, MPP_UM, PATCH_SIZE_PX
from idc.ui.components.patch_grid import PatchTile, patch_grid
from idc.ui.shared.formatting import class_name

_TILE_PX = 80  # minimum; six fit beside the enlarged patch on a laptop


def store_grid(
    store: PatchStore, table: pd.DataFrame, *, key: str, label: str, columns: int | None = None
) -> None:
    """A grid of patches beside the picked one.

    Args:
        table: columns ``row``, ``case``, ``x``, ``y``, ``label``, and ``probability`` if known.
        columns: maximum number of patches per row; by default as many as fit.
    """
    left, right = st.columns([3, 1], gap="medium")
    with left:
        picked = patch_grid(
            store.patches[table["row"].to_numpy()],
            [patch_tile(entry) for entry in table.to_dict("records")],
            key=key,
            label=label,
            columns=columns,
            tile_px=_TILE_PX,
        )
    with right:
        if picked is None:
            st.caption("Choose a patch to enlarge it.")
        else:
            patch_facts(store, picked, table.set_index("row").get("probability"))


def patch_facts(store: PatchStore, row: int, probabilities: pd.Series | None = None) -> None:
    """One patch enlarged, with class, place, size and predicted probability."""
    entry = store.index.iloc[row]
    st.image(
        enlarged(store.patches[row]),
        width="stretch",
        alt=f"Patch at x {entry.x}, y {entry.y} of case {entry.case}, enlarged",
    )
    st.markdown(f"**{class_name(entry.label)}** (label)")
    side_um = round(PATCH_SIZE_PX * MPP_UM)
    facts = [f"Case {entry.case}, x {entry.x}, y {entry.y}", f"{side_um} × {side_um} µm of tissue"]
    if min(entry.height, entry.width) < PATCH_SIZE_PX:
        facts.append(f"Edge patch: {entry.width} × {entry.height} px, resized")
    if probabilities is not None:
        facts.append(f"Predicted probability of IDC: {probabilities[row]:.3f}")
    st.markdown("  \n".join(facts))


def enlarged(patch: np.ndarray, times: int = 8) -> np.ndarray:
    """Enlarge a patch without interpolation: each pixel becomes a square.

    Args:
        patch: uint8 RGB, shape (height, width, 3).

    Returns:
        uint8 RGB, shape (height * times, width * times, 3).
    """
    return cv2.resize(patch, None, fx=times, fy=times, interpolation=cv2.INTER_NEAREST)


def patch_tile(entry: Mapping[Any, Any]) -> PatchTile:
    """The tile of a patch.

    Args:
        entry: one row of `store_grid`'s table.
    """
    known, label = "probability" in entry, int(entry["label"])
    details = f"case {entry['case']}, x {entry['x']}, y {entry['y']}, labelled {CLASS_NAMES[label]}"
    return PatchTile(
        row=int(entry["row"]),
        label=label,
        # Short enough for one line below the tile; `details` has the full name.
        caption=f"p {entry['probability']:.2f}" if known else ("negative", "positive")[label],
        details=details + (f", probability {entry['probability']:.3f}" if known else ""),
    )
