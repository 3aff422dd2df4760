"""A preview of the chosen augmentation on some training patches."""

import cv2
import numpy as np
import streamlit as st

from idc.datasets.splits import Split
from idc.datasets.store import PatchStore
from idc.settings.training_config import AUGMENTATIONS
from idc.training.augmentation_preview import preview_picture, preview_rows
from idc.ui.shared.guard import guarded_fragment

_ZOOM = 2
_DRAW_COUNT = "augmentation-drawn"


@guarded_fragment
def augmentation_view(store: PatchStore, split: Split, kind: str) -> None:
    """Show random training patches and augmented views of them.

    Args:
        kind: a key of `idc.settings.training_config.AUGMENTATIONS`.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**Patches as the network receives them**")
        if st.button(
            "Other patches", icon=":material/refresh:", type="tertiary", key="other_patches"
        ):
            st.session_state[_DRAW_COUNT] = st.session_state.get(_DRAW_COUNT, 0) + 1
    rng = np.random.default_rng(st.session_state.get(_DRAW_COUNT, 0))
    rows = preview_rows(store.labels, split.train, rng)
    picture = preview_picture(store.patches[rows], kind, rng)
    large = cv2.resize(picture, None, fx=_ZOOM, fy=_ZOOM, interpolation=cv2.INTER_NEAREST)
    chosen = AUGMENTATIONS[kind].lower()
    st.image(
        large,
        alt=f"{len(rows)} training patches, each followed by six views of it; "
        f"augmentation: {chosen}",
        width="stretch",
    )
    effect = "each epoch uses them unchanged" if kind == "none" else "each epoch draws new views"
    st.caption(f"Left: the patches. Right: six views of each. Augmentation: {chosen}; {effect}.")
