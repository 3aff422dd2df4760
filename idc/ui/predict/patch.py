"""Sections of Predict: the source of the image and the prediction of one patch."""

from dataclasses import dataclass

import numpy as np
import streamlit as st

from idc.datasets.description import DataDescription
from idc.prediction.light_models import needs_conversion
from idc.prediction.predictor import predict_patches
from idc.runs.light_model import light_model_problem
from idc.runs.run import Run
from idc.ui.components.explanation import explanation, show_warnings
from idc.ui.components.patch_tiles import enlarged
from idc.ui.shared.formatting import class_name, coloured_class, escape_markdown
from idc.uploads.gate import DecodedImage
from idc.uploads.image_files import as_patch

UPLOAD, EXAMPLE, WHOLE_SLIDE = "Upload", "Pick an example", "Whole slide"


@dataclass(frozen=True)
class ChosenPatch:
    """The patch to predict.

    Attributes:
        rgb: uint8 RGB, shape (50, 50, 3).
        title: file name or place in the data set.
        notes: what the visitor should know about it, such as resizing.
        label: ground truth {0, 1}, None if unknown.
    """

    rgb: np.ndarray
    title: str
    notes: tuple[str, ...] = ()
    label: int | None = None


def choose_source() -> str:
    """`UPLOAD`, `EXAMPLE` or `WHOLE_SLIDE`; the URL sets the default."""
    linked = EXAMPLE if "patch" in st.query_params else None
    linked = WHOLE_SLIDE if "slide" in st.query_params else linked
    source = st.segmented_control(
        "Image",
        [UPLOAD, EXAMPLE, WHOLE_SLIDE],
        default=linked or UPLOAD,
        required=True,
        key="source",
        label_visibility="collapsed",
    )
    return source or UPLOAD


def uploaded_patch(run: Run, image: DecodedImage, name: str) -> ChosenPatch:
    """An upload scaled to one patch of a run's model, with a note if it had to be resized."""
    about = run.description()
    patch = as_patch(image, about.side_px, about.mpp_um)
    return ChosenPatch(patch.rgb, name, patch.notes)


def show_prediction(run: Run, chosen: ChosenPatch) -> None:
    """The patch, its prediction and the explanation."""
    preparing = "Preparing the model for quick answers, once for this run …"
    with st.spinner(preparing if needs_conversion(run) else "Predicting …", show_time=True):
        y_prob = float(predict_patches(run, chosen.rgb[None])[0])
    threshold, about = run.calibration().threshold, run.description()
    y_pred = int(y_prob >= threshold)
    picture, answer = st.columns([1, 2], gap="large")
    with picture:
        st.image(enlarged(chosen.rgb), width="stretch", alt="The patch as the model sees it")
        st.caption(escape_markdown(chosen.title))
    with answer:
        st.subheader(coloured_class(y_pred, about))
        st.progress(y_prob, text=f"{_probability_of(about)}: **{y_prob:.1%}**")
        st.markdown(
            f"{class_name(1, about)} means a probability of at least {threshold:.1%}. "
            f"{model_note(run)}"
        )
        if chosen.label is not None:
            relation = "agrees with" if chosen.label == y_pred else "contradicts"
            st.markdown(
                f"Label: **{class_name(chosen.label, about)}**. The prediction {relation} it."
            )
        for note in chosen.notes:
            st.info(escape_markdown(note), icon=":material/info:")
        show_warnings(run, chosen.rgb)
    explanation(run, chosen.rgb, y_prob)


def model_note(run: Run) -> str:
    """Which model predicted, and on which tissue it was trained."""
    if run.bundled:
        answer = (
            "Predicted by the bundled model, trained on real patches. Probability and threshold "
            "are calibrated on cases outside its training part."
        )
    else:
        answer = (
            f"Predicted by the run **{escape_markdown(run.title)}**, best weights of epoch "
            f"{run.best().get('epoch', '–')}."
        )
    if run.environment().get("data_generated"):
        answer += " It trained only on generated tissue; for real tissue choose the bundled model."
    return " ".join([answer, light_model_problem(run)]).rstrip()


def _probability_of(about: DataDescription) -> str:
    return f"Probability of {escape_markdown(about.target)}"
