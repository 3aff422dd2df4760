"""An uploaded region: its scale, its tiling and its heat map."""

from functools import partial

import streamlit as st

from idc.imaging.rescaling import (
    MAX_MPP_UM,
    MIN_MPP_UM,
    OBJECTIVE_MPP_UM,
    ModelScale,
    is_enlarged,
    scale_note,
)
from idc.large_images.region import (
    Region,
    RegionPredictions,
    lay_out_region,
    model_scale,
    predict_region,
    tile_at,
)
from idc.large_images.region_pictures import downscaled_picture, tiling_picture
from idc.large_images.region_warnings import MIRRORED_NOTE, region_notes
from idc.runs.run import Run
from idc.ui.components.slide_viewer.slide_viewer import jpeg_picture
from idc.ui.predict.annotations import choose_annotations
from idc.ui.predict.heat_map import (
    MappedImage,
    show_answers,
    tiling_summary,
)
from idc.ui.shared.formatting import escape_markdown, patch_count
from idc.ui.shared.timed_progress import timed_progress
from idc.uploads.annotations import Annotations
from idc.uploads.gate import DecodedImage

_FROM_FILE, _OTHER = "From the file", "Other"
_KEPT_ANSWERS = 6
_PREVIEW_PX = 10**6


def show_region(run: Run, image: DecodedImage, *, name: str, key: str) -> None:
    """Ask for the scale, show the tiling and, after a click, the predictions.

    Args:
        key: identifies the file.
    """
    for note in image.notes:
        st.info(escape_markdown(note), icon=":material/info:")
    model = model_scale(run)
    scale = choose_scale(image.mpp_um, model, key=key)
    if scale is None:
        return
    mpp_um, stride = scale
    only = choose_annotations(key)
    limit = only.sha256 if only else ""
    region = _cached_region(key, mpp_um, stride, limit, model, image, only)
    request = (key, mpp_um, stride, limit, run.id, run.best().get("sha256", ""))
    answers = _session_answers().get(request)
    slot = st.empty()
    if answers is None:
        with slot.container():
            answers = _confirm_and_predict(run, image, region)
        if answers is None:
            return
        _store_answers(request, answers)
        slot.empty()
    shown = _mapped_image(key, name, image)
    notes = region_notes(region, image.notes)
    show_answers(run, answers, shown, partial(tile_at, region), key="region", notes=notes)


def choose_scale(
    file_mpp_um: float | None, model: ModelScale, *, key: str
) -> tuple[float | None, int] | None:
    """Choose micrometres per pixel and the stride of the tiles in px; None until chosen.

    Where the model's scale is unknown, the image's is the file's, None if it states none, and what
    is chosen is that the image is cut into patches as it is.
    """
    if model.mpp_um is None:
        return _choose_own_pixels(file_mpp_um, model, key)
    choices = {f"{title} · {um:g}": um for title, um in OBJECTIVE_MPP_UM.items()}
    known = f"{_FROM_FILE} · {file_mpp_um:.4g}" if file_mpp_um else None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.segmented_control(
            "Objective · micrometres per pixel",
            [*([known] if known else []), *choices, _OTHER],
            default=known,
            key=f"scale_{key}",
            wrap=True,
        )
        mpp_um = file_mpp_um if chosen == known else choices.get(chosen or "")
        if chosen == _OTHER:
            mpp_um = st.number_input(
                "µm per pixel",
                MIN_MPP_UM,
                MAX_MPP_UM,
                value=file_mpp_um or 2.0,
                step=0.01,
                format="%.4g",
                key=f"mpp_{key}",
                width=150,
            )
        overlaps = _choose_overlap(key)
    if mpp_um is None:
        st.info(
            f"The model works at {model.mpp_um:g} µm per pixel and rescales other images. Choose "
            "the objective of the microscope with which the image was taken.",
            icon=":material/straighten:",
        )
        return None
    return mpp_um, model.stride(overlaps=overlaps)


def _choose_own_pixels(
    file_mpp_um: float | None, model: ModelScale, key: str
) -> tuple[float | None, int] | None:
    side = model.side_px
    with st.container(horizontal=True, vertical_alignment="bottom"):
        agreed = st.toggle(f"Cut into patches of {side} × {side} px as it is", key=f"own_{key}")
        overlaps = _choose_overlap(key)
    if not agreed:
        st.info(
            "This model was trained on patches of unknown scale, so the image cannot be rescaled "
            "to it. State above that it is to be cut as it is, or choose a run on a data set with "
            "a known scale.",
            icon=":material/straighten:",
        )
        return None
    return file_mpp_um, model.stride(overlaps=overlaps)


def _choose_overlap(key: str) -> bool:
    return st.toggle(
        "Overlap and average",
        key=f"overlap_{key}",
        help="Patches overlap by half: four times as many, and each cell is the mean of up to "
        "four of them. The map is finer and depends less on the position of the grid.",
    )


def _confirm_and_predict(run: Run, image: DecodedImage, region: Region) -> RegionPredictions | None:
    """Show the tiling and predict after a click; None until then."""
    layout = region.layout
    count = int(layout.tiles_to_predict().sum())
    note = escape_markdown(scale_note(layout.mpp_um, layout.model))
    if is_enlarged(layout.mpp_um, layout.model):
        st.warning(note, icon=":material/info:")
        st.markdown(tiling_summary(layout))
    else:
        st.markdown(f"{note} {tiling_summary(layout)}")
    if region.mirrored:
        st.info(MIRRORED_NOTE, icon=":material/info:")
    if not count:
        where = "whole image" if layout.annotated is None else "area inside the annotations"
        st.warning(f"No tissue found: the {where} is background.", icon=":material/info:")
    buttons = st.container(horizontal=True)
    started = buttons.button(
        f"Predict {patch_count(count)}", type="primary", disabled=not count, key="predict_region"
    )
    if not started:
        picture = tiling_picture(layout, downscaled_picture(image.rgb, _PREVIEW_PX))
        st.image(picture, alt="The region with the patches that will be predicted")
        return None
    # Any click ends this script run at the next progress update; Stop needs no other handling.
    buttons.button("Stop", icon=":material/stop:", key="stop_region")
    with timed_progress("Predicting {total:,} patches …") as progress:
        return predict_region(run, region, on_progress=progress)


def _session_answers() -> dict[tuple[object, ...], RegionPredictions]:
    kept: dict[tuple[object, ...], RegionPredictions] = st.session_state.setdefault(
        "region_answers", {}
    )
    return kept


def _store_answers(request: tuple[object, ...], answers: RegionPredictions) -> None:
    kept = _session_answers()
    kept[request] = answers
    while len(kept) > _KEPT_ANSWERS:
        kept.pop(next(iter(kept)))


# Needed in every rerun of a visitor.
@st.cache_resource(scope="session", max_entries=2, show_spinner=False)
def _cached_region(
    key: str,
    mpp_um: float | None,
    stride: int,
    limit: str,
    model: ModelScale,
    _image: DecodedImage,
    _only: Annotations | None,
) -> Region:
    return lay_out_region(_image.rgb, mpp_um, stride, _only, model)


@st.cache_resource(scope="session", max_entries=1, show_spinner=False)
def _mapped_image(key: str, name: str, _image: DecodedImage) -> MappedImage:
    rgb = downscaled_picture(_image.rgb)
    return MappedImage(name, rgb, jpeg_picture(rgb))
