"""An uploaded region: its scale, its tiling and its heat map."""

from functools import partial

import streamlit as st

from idc.imaging.rescaling import MAX_MPP_UM, MIN_MPP_UM, OBJECTIVE_MPP_UM, scale_note
from idc.large_images.region import (
    Region,
    RegionPredictions,
    check_region_model,
    lay_out_region,
    predict_region,
    tile_at,
)
from idc.large_images.region_pictures import downscaled_picture, tiling_picture
from idc.large_images.region_warnings import MIRRORED_NOTE, region_notes
from idc.patches import MPP_UM, PATCH_SIZE_PX
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
    mpp_um, stride = choose_scale(image.mpp_um, key=key)
    if mpp_um is None:
        st.info(
            "The model works at 4 µm per pixel and rescales other images. Choose the objective of "
            "the microscope with which the image was taken.",
            icon=":material/straighten:",
        )
        return
    only = choose_annotations(key)
    limit = only.sha256 if only else ""
    region = _cached_region(key, mpp_um, stride, limit, image, only)
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


def choose_scale(file_mpp_um: float | None, *, key: str) -> tuple[float | None, int]:
    """Choose micrometres per pixel (None until chosen) and the stride of the tiles in px."""
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
        overlaps = st.toggle(
            "Overlap and average",
            key=f"overlap_{key}",
            help="Patches overlap by half: four times as many, and each cell is the mean of up to "
            "four of them. The map is finer and depends less on the position of the grid.",
        )
    return mpp_um, PATCH_SIZE_PX // 2 if overlaps else PATCH_SIZE_PX


def _confirm_and_predict(run: Run, image: DecodedImage, region: Region) -> RegionPredictions | None:
    """Show the tiling and predict after a click; None until then."""
    check_region_model(run)
    layout = region.layout
    count = int(layout.tiles_to_predict().sum())
    if layout.mpp_um > MPP_UM:
        st.warning(escape_markdown(scale_note(layout.mpp_um)), icon=":material/info:")
        st.markdown(tiling_summary(layout))
    else:
        st.markdown(f"{escape_markdown(scale_note(layout.mpp_um))} {tiling_summary(layout)}")
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
    mpp_um: float,
    stride: int,
    limit: str,
    _image: DecodedImage,
    _only: Annotations | None,
) -> Region:
    return lay_out_region(_image.rgb, mpp_um, stride, _only)


@st.cache_resource(scope="session", max_entries=1, show_spinner=False)
def _mapped_image(key: str, name: str, _image: DecodedImage) -> MappedImage:
    rgb = downscaled_picture(_image.rgb)
    return MappedImage(name, rgb, jpeg_picture(rgb))
