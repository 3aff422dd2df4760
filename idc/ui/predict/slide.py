"""A whole slide on the server's disk: chosen, tiled, answered in the background, shown."""

from pathlib import Path

import numpy as np
import streamlit as st

from idc.large_images.allowed_folders import (
    FOLDERS_VARIABLE,
    allowed_folders,
    allowed_slide,
    list_slides,
)
from idc.large_images.region import RegionLayout
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
from idc.patches import PATCH_SIZE_PX
from idc.runs.run import Run
from idc.ui.components.slide_viewer.slide_viewer import jpeg_picture
from idc.ui.predict.heat_map import MappedImage, show_answers, tiling_words
from idc.ui.predict.region import choose_scale
from idc.ui.shared.formatting import escape_markdown
from idc.wording import duration

_PARAMETERS = ("slide", "um", "overlap")  # in the URL, so that a refresh finds the answers again
_MAX_OVERVIEW_READS = 64  # for a look at the tissue before the visitor has asked for anything
_STATES = {
    "waiting": "Waiting for its turn …",
    "looking": "Looking for tissue …",
    "predicting": "The model looks at {total:,} patches …",
}


def show_whole_slide(run: Run) -> None:
    """Choose a file, show how it is tiled, and the answers as soon as there are any."""
    path = _choose_slide()
    if path is None:
        return
    width, height, file_mpp_um = _facts(str(path), path.stat().st_mtime_ns)
    st.markdown(
        f"**{escape_markdown(path.name)}**: {width:,} × {height:,} px at full resolution"
        + (f", {file_mpp_um:.4g} µm a pixel." if file_mpp_um else "; it does not say its scale.")
    )
    key = f"slide_{path}"
    _from_url(key, file_mpp_um)
    mpp_um, stride = choose_scale(file_mpp_um, key=key)
    if mpp_um is None:
        st.info("Choose the objective that it was scanned with.", icon=":material/straighten:")
        return
    question = SlideRequest(path, mpp_um, run, stride)
    _to_url(question, file_mpp_um)
    found = _saved_answers(question)
    if found is not None:
        _show_answers(question, found)
        return
    job = slide_job(question)
    if job is not None and job.live:
        _watch(job)
    else:
        _offer(question, job)


def _choose_slide() -> Path | None:
    if not allowed_folders():
        st.info(
            "Whole-slide files (svs, ndpi, mrxs, scn, pyramidal TIFF) are read from folders of the "
            "computer that this app runs on. Whoever started it names them in "
            f"{FOLDERS_VARIABLE}, for "
            f"example `{FOLDERS_VARIABLE}=/data/slides streamlit run streamlit_app.py`; no "
            "other folder "
            "can be read from this page. In a shell, `python -m idc predict slide.svs` reads any.",
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
        help=f"From the folders that {FOLDERS_VARIABLE} names: "
        + ", ".join(f"`{folder}`" for folder in allowed_folders()),
    )
    if not text:
        _forget_url()
        if not paths:
            st.caption("There is no whole-slide file in these folders yet.")
        return None
    return allowed_slide(text)


def _offer(question: SlideRequest, job: SlideJob | None) -> None:
    """How the slide would be tiled, and the button that starts it."""
    if job is not None and job.state == "failed":
        st.error(escape_markdown(job.problem), icon=":material/error:")
    if job is not None and job.state == "stopped":
        st.caption("Stopped; nothing was kept.")
    tiled = _cached_layout(question.name(), question)
    if tiled is not None:
        st.markdown(tiling_words(tiled[0]))
    st.button(
        "Predict the slide",
        type="primary",
        key="predict_slide",
        on_click=_start,
        args=(question,),
        help="It goes on when you leave the page, and the answers stay.",
    )
    if tiled is None:
        st.caption("The file has no small level, so its tissue is found while it is predicted.")
    else:
        st.image(
            tiling_picture(*tiled),
            alt="The slide with the patches that will be predicted",
            width="stretch",
        )


@st.fragment(run_every=1)
def _watch(job: SlideJob) -> None:
    """Where the job stands; the page is drawn anew when it ends."""
    if not job.live:
        st.rerun()
    text = _STATES.get(job.state, "").format(total=job.total)
    left_s = job.left_s()
    if left_s is not None:
        text += f" {duration(left_s)} left"
    st.progress(job.done / job.total if job.total else 0.0, text=text)
    st.button("Stop", icon=":material/stop:", key="stop_slide", on_click=job.stop)
    st.caption("It goes on when you leave the page.")


def _show_answers(question: SlideRequest, found: SlidePredictions) -> None:
    name, layout = question.name(), found.answers.layout
    image = _mapped_image(name, question.path.name, found)
    show_answers(
        question.run,
        found.answers,
        image,
        lambda row, column: _tile(name, row, column, question, layout),
        key="whole_slide",
    )


def _from_url(key: str, file_mpp_um: float | None) -> None:
    """On arrival, set the widgets as the URL says; a broken number is as good as none."""
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


def _to_url(question: SlideRequest, file_mpp_um: float | None) -> None:
    wanted = {"slide": str(question.path)}
    if question.mpp_um != file_mpp_um:
        wanted["um"] = f"{question.mpp_um:g}"
    if question.stride != PATCH_SIZE_PX:
        wanted["overlap"] = "1"
    for name in _PARAMETERS:
        if name not in wanted:
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != wanted[name]:
            st.query_params[name] = wanted[name]


def _forget_url() -> None:
    for name in _PARAMETERS:
        st.query_params.pop(name, None)


@st.cache_data(ttl=20, show_spinner=False)
def _cached_slide_list(folders: tuple[str, ...]) -> list[str]:
    return list_slides()


@st.cache_data(max_entries=64, show_spinner="Opening the slide …")
def _facts(path: str, changed_ns: int) -> tuple[int, int, float | None]:
    with WholeSlide(Path(path)) as slide:
        return slide.width, slide.height, slide.mpp_um


@st.cache_resource(max_entries=4, show_spinner="Looking for tissue …")
def _cached_layout(name: str, _question: SlideRequest) -> tuple[RegionLayout, np.ndarray] | None:
    """None where looking at the whole slide takes long."""
    with WholeSlide(_question.path) as slide:
        if slide.overview_reads > _MAX_OVERVIEW_READS:
            return None
        overview = slide.overview()
        return lay_out_slide(slide, overview, _question.mpp_um, _question.stride), overview


@st.cache_resource(max_entries=4, show_spinner=False)
def _mapped_image(name: str, file_name: str, _found: SlidePredictions) -> MappedImage:
    return MappedImage(
        file_name, _found.overview, jpeg_picture(_found.overview), "slide at full resolution"
    )


@st.cache_resource(max_entries=64, show_spinner=False)
def _tile(
    name: str, row: int, column: int, _question: SlideRequest, _layout: RegionLayout
) -> np.ndarray:
    with WholeSlide(_question.path) as slide:
        return slide.tile(_layout, row, column)


def _saved_answers(question: SlideRequest) -> SlidePredictions | None:
    when = saved_at_ns(question)
    return None if when is None else _cached_answers(question.name(), when, question)


@st.cache_resource(max_entries=4, show_spinner=False)
def _cached_answers(name: str, when: int, _question: SlideRequest) -> SlidePredictions | None:
    return saved_predictions(_question)


def _start(question: SlideRequest) -> None:
    start_slide_job(question)
