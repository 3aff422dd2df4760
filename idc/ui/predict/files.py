"""Predict several files: progress with a stop button, then table, confusion matrix and refusals."""

import weakref
from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from idc.datasets.description import DataDescription
from idc.metrics.scores import evaluate, one_class_note
from idc.prediction.file_job import FilePredictionJob
from idc.prediction.file_predictions import FilePredictions
from idc.runs.run import Run
from idc.server.streamlit_internals import UploadedFile
from idc.ui.components.confusion_matrix import cell_names, confusion_matrix
from idc.ui.components.patch_tiles import enlarged
from idc.ui.predict.answer_table import AnswerRow, answer_table, chosen_order
from idc.ui.shared.formatting import (
    class_name,
    coloured_class,
    escape_markdown,
    file_count,
    format_score,
    metric_row,
)
from idc.ui.shared.guard import guarded_fragment
from idc.uploads.file_batch import batch_files, count_label_conflicts, label_conflict_note
from idc.uploads.zip_archive import looks_like_zip
from idc.wording import duration

_JOB, _TABLE, _OPENED = "many", "many_table", "many_opened"
_ROWS_A_PAGE = 25
_MAX_REFUSED_ROWS = 20  # a longer list becomes a scrolling table
_BAR_DELAY_S = 1.5  # a few patches finish before that, without a progress bar


class _SessionJob:
    """The job of one upload, referenced only by its visitor's session; it stops with the session.

    The job's thread holds the decoded images, which count towards the limit of all visitors.

    Attributes:
        request: identifies model and files.
    """

    def __init__(self, request: tuple[object, ...], job: FilePredictionJob) -> None:
        self.request = request
        self.job = job
        weakref.finalize(self, job.stop)


def has_many_files(files: Sequence[UploadedFile]) -> bool:
    """Whether an upload is for `show_file_predictions`: more than one file, or a zip."""
    return len(files) > 1 or any(looks_like_zip(file.getvalue()[:4]) for file in files)


def show_file_predictions(run: Run, files: Sequence[UploadedFile]) -> None:
    """Predict all files, including those in zips, and show the predictions.

    Args:
        files: at least one. Predictions are kept while files and model stay the same.

    Raises:
        UploadError: there are too many files.
    """
    job = _job(run, files)
    if job.state().running:
        job.wait(_BAR_DELAY_S)
    if job.state().running:
        _watch(job)
        return
    state = job.state()
    if state.problem:
        st.warning(escape_markdown(state.problem), icon=":material/info:")
    elif state.done < state.total:
        st.info(f"Stopped after {state.done:,} of {state.total:,} files.")
    _show_answers(run, job.answers())


def _job(run: Run, files: Sequence[UploadedFile]) -> FilePredictionJob:
    """The job for these files and this model; started if it is new."""
    request = (run.id, run.best().get("sha256", ""), tuple(file.file_id for file in files))
    kept: _SessionJob | None = st.session_state.get(_JOB)
    if kept is not None and kept.request == request:
        return kept.job
    if kept is not None:
        kept.job.stop()
        del st.session_state[_JOB], kept
    job = FilePredictionJob(run, batch_files([(file.name, file.getvalue()) for file in files]))
    job.start()
    st.session_state[_JOB] = _SessionJob(request, job)
    st.session_state.pop(_OPENED, None)
    return job


@guarded_fragment(run_every=1.0)
def _watch(job: FilePredictionJob) -> None:
    state = job.state()
    if not state.running:
        st.rerun()
    left = "" if state.seconds_left is None else f", {duration(state.seconds_left)} left"
    st.progress(state.done / state.total, text=f"{state.done:,} of {state.total:,} files{left}")
    if st.button("Stop", key="stop_many", icon=":material/stop:"):
        job.stop()
        job.wait()
        st.rerun()


@guarded_fragment
def _show_answers(run: Run, answers: FilePredictions) -> None:
    threshold = run.calibration().threshold
    about = run.description()
    _counts(answers, threshold, about)
    cell = _confusion_matrix_section(answers, threshold, about)
    selected = answers.in_cell(cell, threshold)
    if cell is not None:
        title = escape_markdown(cell_names(about.class_names)[cell])
        st.markdown(f"**{title}**: {file_count(int(selected.sum()))}")
    if selected.any():
        _table(answers, selected, threshold, about)
    _refused(answers)
    st.download_button(
        "Download as CSV",
        lambda: answers.csv(threshold, run.title, run.description().class_names).encode(
            "utf-8-sig"
        ),  # Excel needs the byte order mark
        "idc-answers.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
        key="many_csv",
    )


def _counts(answers: FilePredictions, threshold: float, about: DataDescription) -> None:
    answered, positives = int(answers.answered().sum()), answers.positives(threshold)
    metric_row(
        [
            ("Predicted", f"{answered:,}", ""),
            (
                class_name(1, about),
                f"{positives:,}",
                f"Probability of at least {threshold:.1%}, the threshold of the run.",
            ),
            (class_name(0, about), f"{answered - positives:,}", ""),
            ("Refused", f"{len(answers.names) - answered:,}", "The reasons are listed below."),
        ]
    )


def _confusion_matrix_section(
    answers: FilePredictions, threshold: float, about: DataDescription
) -> str | None:
    """The confusion matrix of the labelled files; returns its open cell."""
    labelled = answers.labelled()
    if not labelled.any():
        return None
    report = evaluate(answers.labels[labelled], answers.y_prob[labelled], threshold)
    st.subheader("Confusion matrix")
    st.caption(
        f"{file_count(int(labelled.sum()))} with a label in the file or folder name. "
        f"Balanced accuracy {format_score(report.balanced_accuracy)}, sensitivity "
        f"{format_score(report.sensitivity)}, specificity "
        f"{format_score(report.specificity)}. Click a number to list only its files."
    )
    if note := one_class_note(answers.labels[labelled]):
        st.info(note, icon=":material/info:")
    if note := label_conflict_note(count_label_conflicts(answers.names), "file name"):
        st.warning(note, icon=":material/warning:")
    left, _ = st.columns([3, 1])
    with left:
        return confusion_matrix(
            report.confusion_matrix,
            key="many_matrix",
            selected=None,
            class_names=about.class_names,
        )


def _table(
    answers: FilePredictions, selected: np.ndarray, threshold: float, about: DataDescription
) -> None:
    order = chosen_order(_TABLE)
    places = answers.sorted_positions(selected, order.by, descending=order.descending)
    pages, page = -(-len(places) // _ROWS_A_PAGE), 1
    # On a phone columns are stacked: the opened patch comes above the table, not below it.
    opened_side, table_side = st.columns([1, 4], gap="medium")
    with table_side:
        if pages > 1:
            page = st.pagination(pages, key=f"many_page_{order}_{len(places)}")
        shown = places[(page - 1) * _ROWS_A_PAGE : page * _ROWS_A_PAGE]
        picked = answer_table(
            [_row(answers, int(place), threshold) for place in shown],
            answers.patches[shown],
            order,
            key=_TABLE,
            labelled=bool(answers.labelled().any()),
            warned=any(answers.warnings),
            opened=st.session_state.get(_OPENED),
        )
    if picked is not None:
        st.session_state[_OPENED] = picked
    with opened_side:
        opened = st.session_state.get(_OPENED)
        if opened is None or not selected[opened]:
            st.caption("Choose a file to see its patch enlarged. Click a heading to sort.")
        else:
            _opened(answers, opened, threshold, about)


def _row(answers: FilePredictions, place: int, threshold: float) -> AnswerRow:
    label, y_prob = int(answers.labels[place]), float(answers.y_prob[place])
    known = label if label >= 0 else None
    called, warning = int(y_prob >= threshold), answers.warnings[place]
    return AnswerRow(place, answers.names[place], known, y_prob, called, warning)


def _opened(answers: FilePredictions, place: int, threshold: float, about: DataDescription) -> None:
    row = _row(answers, place, threshold)
    st.image(
        enlarged(answers.patches[place]), width="stretch", alt="The patch as the model sees it"
    )
    st.markdown(f"**{coloured_class(row.called, about)}**")
    st.progress(
        row.y_prob, text=f"Probability of {escape_markdown(about.target)}: **{row.y_prob:.1%}**"
    )
    if row.label is not None:
        relation = "agrees with" if row.label == row.called else "contradicts"
        st.markdown(f"Label: **{class_name(row.label, about)}**. The prediction {relation} it.")
    if row.warning:
        st.warning(escape_markdown(row.warning), icon=":material/warning:")
    st.caption(escape_markdown(row.name))


def _refused(answers: FilePredictions) -> None:
    places = np.flatnonzero(~answers.answered())
    if not len(places):
        return
    with st.expander(f"{file_count(len(places))} without a prediction", expanded=len(places) <= 5):
        rows = [(answers.names[place], answers.problems[place]) for place in places]
        table = pd.DataFrame(rows, columns=["File", "Reason"])
        if len(places) > _MAX_REFUSED_ROWS:
            st.dataframe(table, hide_index=True, alt="Files without a prediction, and the reasons")
        else:
            st.table(table.map(escape_markdown).set_index("File"))
