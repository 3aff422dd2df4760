"""Explain a prediction: warnings, Grad-CAM, occlusion, eight views and similar patches."""

import hashlib
from typing import Any

import numpy as np
import streamlit as st

from idc.datasets.description import DataDescription
from idc.datasets.place import place_of
from idc.datasets.store import PatchStore
from idc.errors import IdcError
from idc.prediction.explain import Explanation, explain, occluder_px, strongest_place
from idc.prediction.image_warnings import patch_warnings
from idc.prediction.predictor import predict_with_features
from idc.prediction.training_features import (
    TrainingFeatures,
    forget_failure,
    load_training_features,
    nearest,
    reference_store,
    start_feature_job,
)
from idc.runs.run import Run
from idc.ui.components.image_uri import png_uri
from idc.ui.components.own_component import own_component
from idc.ui.components.patch_grid import PatchTile, patch_grid
from idc.ui.components.patch_tiles import short_class
from idc.ui.shared.formatting import class_name, escape_markdown
from idc.ui.shared.guard import guarded_fragment
from idc.ui.shared.links import slide_link

_NEAREST = 8
_TILE_PX = 72
_MIN_RANGE = 0.02  # of the colour scale, in probability: smaller effects stay faint

_view = own_component(__file__, "choices")


def show_warnings(run: Run, rgb: np.ndarray) -> None:
    """Show a warning for each reason to distrust the prediction; none for ordinary tissue.

    Args:
        rgb: uint8 RGB, shape (50, 50, 3).
    """
    for sentence in patch_warnings(run, rgb):
        st.warning(escape_markdown(sentence), icon=":material/warning:")


def explanation(run: Run, rgb: np.ndarray, probability: float) -> None:
    """Show what the prediction is based on. Call it after drawing the prediction: it is slower.

    Args:
        rgb: uint8 RGB, shape (50, 50, 3).
        probability: of the positive class, [0, 1].
    """
    st.subheader("Why")
    slot = st.empty()
    slot.skeleton(height=360)
    found = _cached_explanation(_digest(run, rgb), run, rgb)
    with slot.container():
        _view(
            key="explanation",
            data=explanation_data(rgb, probability, found, run.description()),
        )
    _show_views(found, run.description())
    _nearest_section(run, rgb)


def explanation_data(
    rgb: np.ndarray, probability: float, found: Explanation, description: DataDescription
) -> dict[str, Any]:
    """The data from which the browser draws the maps over the patch.

    Returns:
        "picture": PNG data URI; "side" and "unit": its side in µm, or px at an unknown scale;
        "maps": for each "title",
        "width", "height", "values" row by row, "range" (the value of the full colour), "against"
        and "for" (what its two colours mean), "unit", "about" and "found" (sentences).
    """
    shares, effect = found.grad_cam_map, found.occlusion
    target, mpp_um = description.target, description.mpp_um
    scale, unit = (mpp_um, "µm") if mpp_um else (1.0, "px")
    side = round(len(rgb) * scale)
    square = round(occluder_px(len(rgb)) * scale)
    height, width = shares.shape
    return {
        "picture": png_uri(rgb),
        "side": side,
        "unit": unit,
        "maps": [
            {
                "title": "Grad-CAM",
                **_map_data(shares, min_range=1e-6),
                "unit": f"of the log-odds of {target}",
                "for": f"speaks for {target}",
                "against": f"speaks against {target}",
                "about": "Grad-CAM weights the last feature maps of the network by their effect on "
                f"the answer, for {target} and against it. The map has "
                f"{width} × {height} values, one per {round(side / width)} {unit}; the colours in "
                "between are interpolated.",
                "found": _attention_found(shares, target),
            },
            {
                "title": "Occlusion",
                **_map_data(effect, min_range=_MIN_RANGE),
                "unit": "of the probability",
                "for": f"hiding it lowers the probability: it speaks for {target}",
                "against": f"hiding it raises the probability: it speaks against {target}",
                "about": f"What the probability ({probability:.2f}) loses when a square of "
                f"{square} {unit} is painted over with the patch's mean colour, "
                "one place at a time.",
                "found": _occlusion_found(effect),
            },
        ],
    }


def _map_data(values: np.ndarray, min_range: float) -> dict[str, Any]:
    height, width = values.shape
    return {
        "width": width,
        "height": height,
        "values": [round(float(value), 5) for value in values.ravel()],
        "range": round(max(float(np.abs(values).max()), min_range), 6),
    }


def _attention_found(shares: np.ndarray, target: str) -> str:
    if shares.max() <= 0:
        return f"No place speaks for {target}; most against it: {strongest_place(-shares)}."
    if shares.min() >= 0:
        return f"No place speaks against {target}; most for it: {strongest_place(shares)}."
    return (
        f"Most for {target}: {strongest_place(shares)}; most against: {strongest_place(-shares)}."
    )


def _occlusion_found(effect: np.ndarray) -> str:
    if np.abs(effect).max() < _MIN_RANGE:
        return (
            f"No single place decides: hiding any changes the probability by less than "
            f"{_MIN_RANGE}."
        )
    lowest, highest = float(effect.min()), float(effect.max())
    if highest >= -lowest:
        return f"Hiding {strongest_place(effect)} lowers the probability most: by {highest:.2f}."
    return f"Hiding {strongest_place(-effect)} raises the probability most: by {-lowest:.2f}."


def _show_views(found: Explanation, description: DataDescription) -> None:
    views = found.views
    st.markdown("**Turned and mirrored**")
    st.markdown(views.sentence())
    # A view has no label of its own, so its tile shows the predicted class.
    tiles = [
        PatchTile(
            number,
            int(p >= views.threshold),
            f"p {p:.2f}",
            f"{name}: probability of {description.target} {p:.3f}, "
            f"predicted {description.class_name(int(p >= views.threshold))}",
        )
        for number, (name, p) in enumerate(zip(views.names, views.y_prob.tolist(), strict=True))
    ]
    patch_grid(
        views.patches,
        tiles,
        key="eight_views",
        tile_px=_TILE_PX,
        columns=8,
        label="The patch in eight views",
    )
    st.caption(
        f"Tissue has no up and down, so a reliable model answers alike in all eight views. "
        f"Mean {views.mean:.3f}, standard deviation {views.spread:.3f}."
    )


def _nearest_section(run: Run, rgb: np.ndarray) -> None:
    st.markdown("**Most similar patches**")
    try:
        store = reference_store(run)
    except IdcError as error:
        st.caption(escape_markdown(str(error)))
        return
    if store is None:
        st.caption(
            "The bundled model was trained on patches of the real data set, which is not installed "
            "here. With it, similar patches are shown."
        )
        st.page_link("../../pages/home.py", label="Get it on Home", icon=":material/home:")
        return
    known = load_training_features(run, store)
    if known is None:
        _collect_features(run, store)
    else:
        _show_nearest_patches(run, store, known, rgb)


@guarded_fragment(run_every=1.0)
def _collect_features(run: Run, store: PatchStore) -> None:
    """Compute the features of the training patches, once per model, then redraw the page."""
    if load_training_features(run, store) is not None:
        st.rerun()  # the whole page: the warnings above use the features too
    job = start_feature_job(run, store)
    if job.state == "failed":
        st.error(escape_markdown(job.problem), icon=":material/error:")
        if st.button("Try again", key="learn_again"):
            forget_failure(run, store)
            st.rerun()
    else:
        st.progress(
            job.done / max(job.total, 1),
            text=f"Reading patches of {escape_markdown(store.name)}, once for this model"
            + (f": {job.done:,} of {job.total:,}" if job.total else " …"),
        )


def _show_nearest_patches(
    run: Run, store: PatchStore, known: TrainingFeatures, rgb: np.ndarray
) -> None:
    features = predict_with_features(run, rgb[None]).features[0]
    rows = nearest(known, store, rgb, features, _NEAREST)
    positive = int(store.labels[rows].sum())
    source = {
        "trained": "that this run trained on",
        "cases": f"in {escape_markdown(store.name)}, from cases that the model trained on",
        "unseen": f"in {escape_markdown(store.name)}, none of which the model trained on",
    }[known.kind]
    negative_name, positive_name = (class_name(label, store.description) for label in (0, 1))
    st.markdown(
        f"Of {len(known.rows):,} patches {source}, these {len(rows)} have the most similar "
        f"features: **{positive} labelled {positive_name}, {len(rows) - positive} "
        f"{negative_name}**."
    )
    picked = patch_grid(
        store.patches[rows],
        [_nearest_tile(store, int(row)) for row in rows],
        key="most_alike",
        tile_px=_TILE_PX,
        columns=_NEAREST,
        label="Patches with the most similar features",
    )
    if picked is not None:
        place = place_of(store, picked)
        title = store.description.patch_title(place.case, place.x, place.y)
        slide_link(store, place, escape_markdown(f"Show {title} on its slide"))


def _nearest_tile(store: PatchStore, row: int) -> PatchTile:
    entry = store.index.iloc[row]
    label = int(entry["label"])
    description = store.description
    title = description.patch_title(entry["case"], entry["x"], entry["y"])
    return PatchTile(
        row,
        label,
        short_class(label, description),
        f"{title}, labelled {description.class_name(label)}",
    )


@st.cache_data(max_entries=64, show_spinner=False)
def _cached_explanation(digest: str, _run: Run, _rgb: np.ndarray) -> Explanation:
    return explain(_run, _rgb)


def _digest(run: Run, rgb: np.ndarray) -> str:
    """A digest of the weights, the calibration and the pixels."""
    weights = f"{run.best().get('sha256')} {run.calibration()} {rgb.shape}"
    return hashlib.sha256(weights.encode() + rgb.tobytes()).hexdigest()
