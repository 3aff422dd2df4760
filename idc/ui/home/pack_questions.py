"""What the files do not tell: the questions before a data set is packed."""

from dataclasses import replace

import streamlit as st

from idc.datasets.description import (
    MAX_CLASS_NAME_LENGTH,
    MAX_MPP_UM,
    MAX_SIDE_PX,
    MIN_MPP_UM,
    MIN_SIDE_PX,
    DataDescription,
)
from idc.ingest.layouts.class_names import binary_labels
from idc.ingest.layouts.plan import PackOptions
from idc.ingest.pack_data import KAGGLE_LAYOUT
from idc.ingest.plan_packing import PackPreview
from idc.ui.shared.formatting import escape_markdown


def ask(preview: PackPreview, options: PackOptions) -> PackOptions | None:
    """Ask what is unclear.

    Args:
        options: what the visitor stated before the check.

    Returns:
        the options to pack with; None while an answer is missing.

    Raises:
        DataError: an answer is impossible, one sentence.
    """
    if preview.layout == KAGGLE_LAYOUT and preview.mpp_um is not None:
        return options  # nothing is unclear
    positive = options.positive
    if preview.question:
        positive = _positive_class(list(preview.classes))
        if not positive:
            return None
        class_names = binary_labels(list(preview.classes), (), positive)[1]
    else:
        negative_name, positive_name = preview.class_names
        class_names = (negative_name, positive_name)
    names = _class_names(class_names)
    side_px, mpp_um = _side_and_scale(preview)
    with_cases = _cases(preview)
    if with_cases is None:
        return None
    skip_copies = bool(preview.copies) and st.checkbox(
        f"Leave out likely copies ({preview.copies:,})",
        key="pack_skip_copies",
        help="Their names mark rotated, augmented or numbered copies. In training and test at "
        "once, they would flatter the scores.",
    )
    return replace(
        options,
        positive=positive,
        class_names=() if names == class_names else names,
        side_px=side_px,
        mpp_um=mpp_um,
        with_cases=with_cases,
        skip_copies=skip_copies,
    )


def _positive_class(classes: list[str]) -> tuple[str, ...]:
    if len(classes) == 2:
        chosen = st.selectbox(
            "Which class is positive?",
            classes,
            index=None,
            key="pack_which",
            help="The class that the network is to find, for example the cancer.",
        )
        return (chosen,) if chosen else ()
    several = st.multiselect(
        "Which classes are positive?",
        classes,
        key="pack_which_several",
        help="All others become the negative class.",
    )
    return tuple(several)


def _class_names(found: tuple[str, str]) -> tuple[str, str]:
    """The names of the two classes, which the visitor may change."""
    columns = st.columns(2)
    answers = []
    for column, kind, name in zip(columns, ("negative", "positive"), found, strict=True):
        # The key contains the name, so that another choice of classes shows its own names.
        given = column.text_input(
            f"Name of the {kind} class",
            value=name,
            max_chars=MAX_CLASS_NAME_LENGTH,
            key=f"pack_{kind}_{name}",
        )
        answers.append(given.strip() or name)
    negative, positive = answers
    DataDescription(class_names=(negative, positive))  # raises the sentence about equal names
    return negative, positive


def _side_and_scale(preview: PackPreview) -> tuple[int | None, float | None]:
    left, right = st.columns(2)
    side = left.number_input(
        "Side of the stored patches, px",
        MIN_SIDE_PX,
        MAX_SIDE_PX,
        value=None,
        step=1,
        placeholder=str(preview.side_px or "that of the files"),
        key="pack_side",
        help="Pictures of another size are resized.",
    )
    mpp_um = right.number_input(
        "µm per pixel of the pictures",
        MIN_MPP_UM,
        MAX_MPP_UM,
        value=None,
        format="%.3f",
        placeholder=f"{preview.mpp_um:.3g}" if preview.mpp_um is not None else "unknown",
        key="pack_mpp",
        help="40x is 0.25, 20x 0.5, 2.5x 4. Leave it empty if you do not know it.",
    )
    return side, mpp_um


def _cases(preview: PackPreview) -> bool | None:
    """Whether patients can be told apart; None while the files do not tell how."""
    answers = ["Yes", "No"] if preview.cases else ["No", "Yes"]
    answer = st.radio(
        "Can pictures of one patient be told apart?",
        answers,
        horizontal=True,
        key=f"pack_cases_{answers[0]}",
    )
    if answer == "No":
        start = "Besides the given parts, only" if preview.parts else "Only"
        st.warning(
            f"{start} a random split is possible. It flatters: pictures of "
            "one patient are in training and test at once, so that the scores are better than on "
            "new patients.",
            icon=":material/warning:",
        )
        return False
    if not preview.cases:
        st.info(
            "The files do not tell the patients yet. Give each patient a folder, a "
            + escape_markdown('"Pattern" with the group case, or a "Table of labels"')
            + " with the column case; then check the files again.",
            icon=":material/info:",
        )
        return None
    return True
