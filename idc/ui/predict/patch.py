"""The pieces of Predict: where the image comes from, and the answer for one patch."""

from dataclasses import dataclass

import numpy as np
import streamlit as st

from idc.imaging.rescaling import to_patch_size
from idc.patches import MPP_UM, PATCH_SHAPE, PATCH_SIZE_PX
from idc.prediction.predictor import predict_patches
from idc.runs.run import Run
from idc.ui.components.explanation import explanation, show_warnings
from idc.ui.components.patch_tiles import enlarged
from idc.ui.shared.formatting import class_name, coloured_class, escape_markdown
from idc.uploads.gate import DecodedImage

UPLOAD, EXAMPLE, WHOLE_SLIDE = "Upload", "Pick an example", "Whole slide"


@dataclass(frozen=True)
class ChosenPatch:
    """What is to be predicted.

    Attributes:
        rgb: uint8 RGB, shape (50, 50, 3).
        title: where it comes from.
        notes: what was done to bring it to 50x50.
        label: ground truth {0, 1}, None if unknown.
    """

    rgb: np.ndarray
    title: str
    notes: tuple[str, ...] = ()
    label: int | None = None


def choose_source() -> str:
    """`UPLOAD`, `EXAMPLE` or `WHOLE_SLIDE`; a link decides at first."""
    by_link = EXAMPLE if "patch" in st.query_params else None
    by_link = WHOLE_SLIDE if "slide" in st.query_params else by_link
    source = st.segmented_control(
        "Image",
        [UPLOAD, EXAMPLE, WHOLE_SLIDE],
        default=by_link or UPLOAD,
        required=True,
        key="source",
        label_visibility="collapsed",
    )
    return source or UPLOAD


def uploaded_patch(image: DecodedImage, name: str) -> ChosenPatch:
    """An upload as one patch, with a note on what its size means."""
    height, width = image.rgb.shape[:2]
    notes = list(image.notes)
    if (height, width) != PATCH_SHAPE[:2]:
        side_um = round(PATCH_SIZE_PX * MPP_UM)
        notes.append(
            f"Resized from {width} x {height} to {PATCH_SIZE_PX} x {PATCH_SIZE_PX} px. The model "
            f"was trained on {side_um} x {side_um} um a patch; at another scale its answer means "
            "little."
        )
    return ChosenPatch(to_patch_size(image.rgb), name, tuple(notes))


def show_prediction(run: Run, chosen: ChosenPatch) -> None:
    """The patch, the answer, and what the answer rests on."""
    with st.spinner("The model looks at it …", show_time=True):
        y_prob = float(predict_patches(run, chosen.rgb[None])[0])
    threshold = run.calibration().threshold
    y_pred = int(y_prob >= threshold)
    picture, answer = st.columns([1, 2], gap="large")
    with picture:
        st.image(enlarged(chosen.rgb), width="stretch", alt="The patch as the model sees it")
        st.caption(escape_markdown(chosen.title))
    with answer:
        st.subheader(coloured_class(y_pred))
        st.progress(y_prob, text=f"Probability of IDC: **{y_prob:.1%}**")
        st.markdown(f"Called IDC-positive from {threshold:.1%} on. {model_note(run)}")
        if chosen.label is not None:
            right = "agrees with" if chosen.label == y_pred else "contradicts"
            st.markdown(f"The label is **{class_name(chosen.label)}**: the answer {right} it.")
        for note in chosen.notes:
            st.info(escape_markdown(note), icon=":material/info:")
        show_warnings(run, chosen.rgb)
    explanation(run, chosen.rgb, y_prob)


def model_note(run: Run) -> str:
    """Which model answered, and what it has seen."""
    if run.bundled:
        return (
            "Answered by the model that comes with IDC Lab, trained on real patches; probability "
            "and threshold are calibrated on cases that it has not seen."
        )
    answer = (
        f"Answered by the run **{escape_markdown(run.title)}**, best weights of epoch "
        f"{run.best().get('epoch', '–')}."
    )
    if run.environment().get("data_generated"):
        answer += " It has only seen generated tissue; for real patches choose the bundled model."
    return answer
