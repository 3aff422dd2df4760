"""Predict a whole slide on the server's disk: choice, tiling, background job and result."""

from pathlib import Path

import numpy as np
import streamlit as st

from idc.large_images.allowed_folders import (
    FOLDERS_VARIABLE,
    allowed_folders,
    allowed_slide,
    list_slides,
)
from idc.large_images.region import RegionLayout, model_scale
from idc.large_images.region_pictures import tiling_picture
from idc.large_images.slide_predictions import (
    SlideJob,
    SlidePredictions,
    SlideRequest,
    saved_at_ns,
    saved_predictions,
    slide_job,
    start_slide_job,
)
from idc.large_images.whole_slide import WholeSlide, lay_out_slide
from idc.runs.run import Run
from idc.ui.components.slide_viewer.slide_viewer import jpeg_picture
from idc.ui.predict.annotations import choose_annotations
from idc.ui.predict.heat_map import MappedImage, show_answers, tiling_summary
from idc.ui.predict.region import choose_scale
from idc.ui.shared.formatting import escape_markdown
from idc.ui.shared.guard import guarded, guarded_fragment
from idc.wording import duration

_PARAMETERS = ("slide", "um", "overlap")  # in the URL, so that a refresh finds the result again
_MAX_OVERVIEW_READS = 64  # to find the tissue before the visitor starts a prediction
_STATES = {
    "waiting": "Waiting for its turn …",
    "looking": "Looking for tissue …",
    "predicting": "Predicting {total:,} patches …",
}


def show_whole_slide(run: Run) -> None:
    """Choose a file, show its tiling, and the predictions once they exist."""
    path = _choose_slide()
    if path is None:
        return
    width, height, file_mpp_um, note = _facts(str(path), path.stat().st_mtime_ns)
    st.markdown(
        f"**{escape_markdown(path.name)}**: {width:,} × {height:,} px at full resolution"
        + (
            f", {file_mpp_um:.4g} µm per pixel."
            if file_mpp_um
            else ("." if note else "; the file does not state its scale.")
        )
    )
    if note:
        st.info(escape_markdown(note), icon=":material/info:")
    key = f"slide_{path}"
    _load_from_url(key, file_mpp_um)
    scale = choose_scale(file_mpp_um, model_scale(run), key=key)
    if scale is None:
        return
    mpp_um, stride = scale
    request = SlideRequest(path, mpp_um, run, stride, choose_annotations(key))
    _write_to_url(request, file_mpp_um)
    saved = _saved_answers(request)
    if saved is not None:
        _show_answers(request, saved)
        return
    job = slide_job(request)
    if job is not None and job.live:
        _watch(job)
    else:
        _offer(request, job)


def _choose_slide() -> Path | None:
    if not allowed_folders():
        st.info(
            "Whole-slide files (svs, ndpi, mrxs, scn, pyramidal TIFF) are read from folders on the "
            f"server. The operator lists these folders in {FOLDERS_VARIABLE}, for example "
            f"`{FOLDERS_VARIABLE}=/data/slides streamlit run streamlit_app.py`. This page reads no "
            "other folder; in a shell, `python -m idc predict slide.svs` reads any file.",
            icon=":material/folder_off:",
        )
        return None
    paths = _cached_slide_list(tuple(map(str, allowed_folders())))
    linked = st.query_params.get("slide")
    if "slide_path" not in st.session_state and linked:
        st.session_state["slide_path"] = linked
    text = st.selectbox(
        "Slide",
        paths,
        index=None,
        placeholder="Choose a file, or type a path",
        key="slide_path",
        accept_new_options=True,
        help=f"Files in the folders of {FOLDERS_VARIABLE}: "
        + ", ".join(f"`{folder}`" for folder in allowed_folders()),
    )
    if not text:
        _clear_url()
        if not paths:
            st.caption("These folders contain no whole-slide file.")
        return None
    return allowed_slide(text)


def _offer(request: SlideRequest, job: SlideJob | None) -> None:
    """Show the tiling of the slide and the button that starts the prediction."""
    if job is not None and job.state == "failed":
        st.error(escape_markdown(job.problem), icon=":material/error:")
    if job is not None and job.state == "stopped":
        st.caption("Stopped. No result was saved.")
    preview = _cached_layout(request.name(), request)
    if preview is not None:
        st.markdown(tiling_summary(preview[0]))
    st.button(
        "Predict the slide",
        type="primary",
        key="predict_slide",
        on_click=guarded(_start),
        args=(request,),
        help="Continues when you leave the page. The result is saved.",
    )
    if preview is None:
        st.caption(
            "The file has no low-resolution level, so its tissue is found during the prediction."
        )
    else:
        st.image(
            tiling_picture(*preview),
            alt="The slide with the patches that will be predicted",
            width="stretch",
        )


@guarded_fragment(run_every=1)
def _watch(job: SlideJob) -> None:
    """Progress of the job; reruns the page when it ends."""
    if not job.live:
        st.rerun()
    text = _STATES.get(job.state, "").format(total=job.total)
    left_s = job.left_s()
    if left_s is not None:
        text += f" {duration(left_s)} left"
    st.progress(job.done / job.total if job.total else 0.0, text=text)
    st.button("Stop", icon=":material/stop:", key="stop_slide", on_click=guarded(job.stop))
    st.caption("Continues when you leave the page.")


def _show_answers(request: SlideRequest, saved: SlidePredictions) -> None:
    name, layout = request.name(), saved.answers.layout
    image = _mapped_image(name, request.path.name, saved)
    show_answers(
        request.run,
        saved.answers,
        image,
        lambda row, column: _tile(name, row, column, request, layout),
        key="whole_slide",
    )


def _load_from_url(key: str, file_mpp_um: float | None) -> None:
    """Set the widgets from the URL when the page opens. An invalid number is ignored."""
    if f"scale_{key}" in st.session_state:
        return
    try:
        um = float(st.query_params.get("um", ""))
    except ValueError:
        um = None
    if um is not None and um != file_mpp_um:
        st.session_state[f"scale_{key}"] = "Other"
        st.session_state[f"mpp_{key}"] = um
    if "overlap" in st.query_params:
        st.session_state[f"overlap_{key}"] = True


def _write_to_url(request: SlideRequest, file_mpp_um: float | None) -> None:
    wanted = {"slide": str(request.path)}
    if request.mpp_um is not None and request.mpp_um != file_mpp_um:
        wanted["um"] = f"{request.mpp_um:g}"
    if request.stride != model_scale(request.run).side_px:
        wanted["overlap"] = "1"
    for name in _PARAMETERS:
        if name not in wanted:
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != wanted[name]:
            st.query_params[name] = wanted[name]


def _clear_url() -> None:
    for name in _PARAMETERS:
        st.query_params.pop(name, None)


@st.cache_data(ttl=20, show_spinner=False)
def _cached_slide_list(folders: tuple[str, ...]) -> list[str]:
    return list_slides()


@st.cache_data(max_entries=64, show_spinner="Opening the slide …")
def _facts(path: str, changed_ns: int) -> tuple[int, int, float | None, str]:
    """Width and height in px, micrometres per px, and the note on the scale."""
    with WholeSlide(Path(path)) as slide:
        return slide.width, slide.height, slide.mpp_um, slide.scale_note


@st.cache_resource(max_entries=4, show_spinner="Looking for tissue …")
def _cached_layout(name: str, _request: SlideRequest) -> tuple[RegionLayout, np.ndarray] | None:
    """Layout and overview image of a slide; None if reading the overview takes long."""
    with WholeSlide(_request.path) as slide:
        if slide.overview_reads > _MAX_OVERVIEW_READS:
            return None
        overview = slide.overview()
        layout = lay_out_slide(
            slide,
            overview,
            _request.mpp_um,
            _request.stride,
            _request.only,
            model_scale(_request.run),
        )
        return layout, overview


@st.cache_resource(max_entries=4, show_spinner=False)
def _mapped_image(name: str, file_name: str, _saved: SlidePredictions) -> MappedImage:
    return MappedImage(
        file_name, _saved.overview, jpeg_picture(_saved.overview), "slide at full resolution"
    )


@st.cache_resource(max_entries=64, show_spinner=False)
def _tile(
    name: str, row: int, column: int, _request: SlideRequest, _layout: RegionLayout
) -> np.ndarray:
    with WholeSlide(_request.path) as slide:
        return slide.tile(_layout, row, column)


def _saved_answers(request: SlideRequest) -> SlidePredictions | None:
    changed_ns = saved_at_ns(request)
    return None if changed_ns is None else _cached_answers(request.name(), changed_ns, request)


@st.cache_resource(max_entries=4, show_spinner=False)
def _cached_answers(name: str, changed_ns: int, _request: SlideRequest) -> SlidePredictions | None:
    return saved_predictions(_request)


def _start(request: SlideRequest) -> None:
    start_slide_job(request)
