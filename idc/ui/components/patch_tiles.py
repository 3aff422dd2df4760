"""Patches of a store as tiles, and one of them enlarged with its facts."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
import pandas as pd
import streamlit as st

from idc.datasets.description import KAGGLE_DESCRIPTION, DataDescription
from idc.datasets.store import PatchStore
from idc.ui.components.patch_grid import PatchTile, patch_grid
from idc.ui.shared.formatting import class_name, escape_markdown

_MAX_CAPTION_LENGTH = 12
_ENLARGED_PX = 400
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
            [patch_tile(entry, store.description) for entry in table.to_dict("records")],
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
    entry, description = store.index.iloc[row], store.description
    title = description.patch_title(entry.case, entry.x, entry.y)
    st.image(
        enlarged(store.patches[row], max(1, _ENLARGED_PX // description.side_px)),
        width="stretch",
        alt=f"{title[0].upper()}{title[1:]}, enlarged",
    )
    st.markdown(f"**{class_name(entry.label, description)}** (label)")
    side = description.side_px
    facts = [
        escape_markdown(title[0].upper() + title[1:]),
        description.size_text(side, side),
    ]
    if min(entry.height, entry.width) < side:
        facts.append(f"Edge patch: {entry.width} × {entry.height} px, resized")
    if probabilities is not None:
        target = escape_markdown(description.target)
        facts.append(f"Predicted probability of {target}: {probabilities[row]:.3f}")
    st.markdown("  \n".join(facts))


def short_class(label: int, description: DataDescription) -> str:
    """The class in one or two words: "positive" in the Kaggle set, else its name, shortened."""
    if description.is_idc_set:
        return ("negative", "positive")[label]
    name = description.class_name(label)
    return name if len(name) <= _MAX_CAPTION_LENGTH else f"{name[: _MAX_CAPTION_LENGTH - 1]}…"


def enlarged(patch: np.ndarray, times: int = 8) -> np.ndarray:
    """Enlarge a patch without interpolation: each pixel becomes a square.

    Args:
        patch: uint8 RGB, shape (height, width, 3).

    Returns:
        uint8 RGB, shape (height * times, width * times, 3).
    """
    return cv2.resize(patch, None, fx=times, fy=times, interpolation=cv2.INTER_NEAREST)


def patch_tile(
    entry: Mapping[Any, Any], description: DataDescription = KAGGLE_DESCRIPTION
) -> PatchTile:
    """The tile of a patch.

    Args:
        entry: one row of `store_grid`'s table.
        description: of the data set that the patch is from.
    """
    known, label = "probability" in entry, int(entry["label"])
    title = description.patch_title(entry["case"], entry["x"], entry["y"])
    details = f"{title}, labelled {description.class_name(label)}"
    return PatchTile(
        row=int(entry["row"]),
        label=label,
        # Short enough for one line below the tile; `details` has the full name.
        caption=f"p {entry['probability']:.2f}" if known else short_class(label, description),
        details=details + (f", probability {entry['probability']:.3f}" if known else ""),
    )
