"""A whole slide on the server's disk: chosen, tiled, answered in the background, shown."""

from pathlib import Path

import numpy as np
import streamlit as st

from idc.large_images.allowed_folders import VARIABLE, allowed_slide, listed_slides, slide_folders
from idc.large_images.region import Layout
from idc.large_images.region_pictures import tiling_picture
from idc.large_images.slide_predictions import (
    SlideAnswers,
    SlideJob,
    SlideQuestion,
    kept_answers,
    kept_when,
    slide_job,
    start_slide,
)
from idc.large_images.whole_slide import WholeSlide, lay_out_slide
from idc.patches import PATCH_SIZE_PX
from idc.runs.run import Run
from idc.ui.components.slide_viewer.slide_viewer import jpeg_picture
from idc.ui.predict.heat_map import MappedImage, show_answers, tiling_words
from idc.ui.predict.region import choose_scale
from idc.ui.shared.formatting import plain
from idc.wording import duration

_PARAMETERS = ("slide", "um", "overlap")  # in the URL, so that a refresh finds the answers again
_MOST_READS = 64  # for a look at the tissue before the visitor has asked for anything
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
    width, height, from_file = _facts(str(path), path.stat().st_mtime_ns)
    st.markdown(
        f"**{plain(path.name)}**: {width:,} × {height:,} px at full resolution"
        + (f", {from_file:.4g} µm a pixel." if from_file else "; it does not say its scale.")
    )
    key = f"slide_{path}"
    _from_url(key, from_file)
    mpp_um, stride = choose_scale(from_file, key=key)
    if mpp_um is None:
        st.info("Choose the objective that it was scanned with.", icon=":material/straighten:")
        return
    question = SlideQuestion(path, mpp_um, run, stride)
    _to_url(question, from_file)
    found = _kept(question)
    if found is not None:
        _show_answers(question, found)
        return
    job = slide_job(question)
    if job is not None and job.live:
        _watch(job)
    else:
        _offer(question, job)


def _choose_slide() -> Path | None:
    if not slide_folders():
        st.info(
            "Whole-slide files (svs, ndpi, mrxs, scn, pyramidal TIFF) are read from folders of the "
            f"computer that this app runs on. Whoever started it names them in {VARIABLE}, for "
            f"example `{VARIABLE}=/data/slides streamlit run streamlit_app.py`; no other folder "
            "can be read from this page. In a shell, `python -m idc predict slide.svs` reads any.",
            icon=":material/folder_off:",
        )
        return None
    paths = _listed(tuple(map(str, slide_folders())))
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
        help=f"From the folders that {VARIABLE} names: "
        + ", ".join(f"`{folder}`" for folder in slide_folders()),
    )
    if not text:
        _forget_url()
        if not paths:
            st.caption("There is no whole-slide file in these folders yet.")
        return None
    return allowed_slide(text)


def _offer(question: SlideQuestion, job: SlideJob | None) -> None:
    """How the slide would be tiled, and the button that starts it."""
    if job is not None and job.state == "failed":
        st.error(plain(job.problem), icon=":material/error:")
    if job is not None and job.state == "stopped":
        st.caption("Stopped; nothing was kept.")
    tiled = _tiled(question.name(), question)
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


def _show_answers(question: SlideQuestion, found: SlideAnswers) -> None:
    name, layout = question.name(), found.answers.layout
    image = _mapped(name, question.path.name, found)
    show_answers(
        question.run,
        found.answers,
        image,
        lambda row, column: _tile(name, row, column, question, layout),
        key="whole_slide",
    )


def _from_url(key: str, from_file: float | None) -> None:
    """On arrival, set the widgets as the URL says; a broken number is as good as none."""
    if f"scale_{key}" in st.session_state:
        return
    try:
        um = float(st.query_params.get("um", ""))
    except ValueError:
        um = None
    if um is not None and um != from_file:
        st.session_state[f"scale_{key}"] = "Other"
        st.session_state[f"mpp_{key}"] = um
    if "overlap" in st.query_params:
        st.session_state[f"overlap_{key}"] = True


def _to_url(question: SlideQuestion, from_file: float | None) -> None:
    wanted = {"slide": str(question.path)}
    if question.mpp_um != from_file:
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
def _listed(folders: tuple[str, ...]) -> list[str]:
    return listed_slides()


@st.cache_data(max_entries=64, show_spinner="Opening the slide …")
def _facts(path: str, changed_ns: int) -> tuple[int, int, float | None]:
    with WholeSlide(Path(path)) as slide:
        return slide.width, slide.height, slide.mpp_um


@st.cache_resource(max_entries=4, show_spinner="Looking for tissue …")
def _tiled(name: str, _question: SlideQuestion) -> tuple[Layout, np.ndarray] | None:
    """None where looking at the whole slide takes long."""
    with WholeSlide(_question.path) as slide:
        if slide.overview_reads > _MOST_READS:
            return None
        overview = slide.overview()
        return lay_out_slide(slide, overview, _question.mpp_um, _question.stride), overview


@st.cache_resource(max_entries=4, show_spinner=False)
def _mapped(name: str, file_name: str, _found: SlideAnswers) -> MappedImage:
    return MappedImage(
        file_name, _found.overview, jpeg_picture(_found.overview), "slide at full resolution"
    )


@st.cache_resource(max_entries=64, show_spinner=False)
def _tile(
    name: str, row: int, column: int, _question: SlideQuestion, _layout: Layout
) -> np.ndarray:
    with WholeSlide(_question.path) as slide:
        return slide.tile(_layout, row, column)


def _kept(question: SlideQuestion) -> SlideAnswers | None:
    when = kept_when(question)
    return None if when is None else _read(question.name(), when, question)


@st.cache_resource(max_entries=4, show_spinner=False)
def _read(name: str, when: int, _question: SlideQuestion) -> SlideAnswers | None:
    return kept_answers(_question)


def _start(question: SlideQuestion) -> None:
    start_slide(question)
