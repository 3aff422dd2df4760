"""The sections of Labels: the choice of predictions, the doubtful patches, the verdicts."""

import pandas as pd
import streamlit as st

from idc.datasets.description import DataDescription
from idc.datasets.label_marks import (
    VERDICTS,
    Mark,
    check_reviewer,
    load_marks,
    marks_csv,
    remove_mark,
    save_mark,
    with_names,
)
from idc.datasets.place import Place, find_row, parse_place, place_of
from idc.datasets.store import PatchStore
from idc.errors import LabelError
from idc.evaluation.doubtful_labels import (
    HeldOutPredictions,
    held_out_predictions,
    next_unreviewed,
    with_verdicts,
)
from idc.evaluation.results import saved_parts
from idc.files.spreadsheets import csv_text
from idc.launch.folds import list_folds, open_folds
from idc.runs.run import Run, open_run
from idc.ui.components.patch_detail import patch_detail
from idc.ui.components.patch_grid import PatchTile, patch_grid
from idc.ui.shared.formatting import class_name, escape_markdown, format_share, metric_row
from idc.ui.shared.guard import guarded, guarded_fragment

_BOTH = -1  # instead of a label
_TILES_A_PAGE = 48
_TILE_PX = 78
_BUTTONS = {
    "keep": ("Keep", "1"),
    "wrong": ("Wrong", "2"),
    "unsure": ("Unsure", "3"),
}
_RANDOM_SPLIT_WARNING = (
    "This run was split at random by patch. It trained on neighbours of the patches shown here and "
    "may have learned their wrong labels. Folds of cases, below, avoid this."
)

_NO_CASES_WARNING = (
    "This run was split at random by patch, because its data set has no cases. It may have trained "
    "on near-copies of the patches shown here and have learned their wrong labels."
)


def choose_predictions(run: Run) -> HeldOutPredictions:
    """Predictions of the run's held-out parts, or of folds that repeat its settings."""
    jobs = [job for job in list_folds() if job.base_run == run.id and job.finished()]
    titles = {"": f"Held-out parts of the run ({' and '.join(saved_parts(run))})"}
    titles |= {
        job.id: f"Out of fold ({len(job.finished())} of {job.folds} folds, {job.id[4:6]}/"
        f"{job.id[6:8]} {job.id[9:11]}:{job.id[11:13]})"
        for job in jobs
    }
    chosen = ""
    if jobs:
        chosen = st.selectbox(
            "Predictions",
            list(titles),
            index=1,
            format_func=lambda job: titles[job],
            key=f"answers_{run.id}",
            help="Labels are checked only by models that were not trained on the patch.",
        )
    if chosen:
        return held_out_predictions(open_folds(chosen).finished(), ["test"])
    held_out = held_out_predictions([run], ["test", "validation"])
    if run.config.protocol == "random":
        has_cases = held_out.store.description.has_cases
        st.warning(
            _RANDOM_SPLIT_WARNING if has_cases else _NO_CASES_WARNING, icon=":material/info:"
        )
    return held_out


def summary(held_out: HeldOutPredictions, doubts: pd.DataFrame) -> None:
    """The number of doubtful labels and the share of contradicted labels per class."""
    joint = held_out.joint
    negative, positive = (class_name(label, held_out.store.description) for label in (0, 1))
    metric_row(
        [
            (
                "Doubtful labels",
                f"{len(doubts):,}",
                f"Of {len(held_out.rows):,} patches with a held-out prediction: those whose "
                "prediction confidently contradicts the label.",
            ),
            (
                f"Contradicted among {negative}",
                format_share(joint.noise_rate(0)),
                f"Share of the confident predictions that are {positive}. Confident means at "
                f"least {joint.thresholds[1]:.2f}, the mean probability of {positive} patches.",
            ),
            (
                f"Contradicted among {positive}",
                format_share(joint.noise_rate(1)),
                f"Share of the confident predictions that are {negative}, with a probability "
                f"of at least {joint.thresholds[0]:.2f} for that class.",
            ),
        ]
    )
    st.caption(
        f"A doubtful label is not proven wrong: the model may be wrong, or "
        f"{_other_reason(held_out)}. "
        "Reviewers decide. Ranked by confident learning "
        "([Northcutt 2021](https://doi.org/10.1613/jair.1.12125))."
    )


def _other_reason(held_out: HeldOutPredictions) -> str:
    if held_out.store.description.is_idc_set:
        return "the patch may lie on the outline of the cancer"
    return "the patch may show both classes"


@guarded_fragment
def review(store: PatchStore, doubts: pd.DataFrame, title: str) -> None:
    """The doubtful patches, the open patch, and buttons for its verdict."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        reviewer = st.text_input(
            "Reviewer",
            key="reviewer",
            bind="query-params",
            max_chars=40,
            placeholder="your name",
            width=220,
            help="One mark per reviewer and patch. The name needs no account.",
        ).strip()
        which = st.segmented_control(
            "Labelled",
            [_BOTH, 0, 1],
            format_func=lambda label: (
                "Both" if label == _BOTH else class_name(label, store.description)
            ),
            default=_BOTH,
            required=True,
            key="doubt_label",
        )
    if which != _BOTH:
        doubts = doubts[doubts["label"] == which].reset_index(drop=True)
    marks = load_marks(store.name)
    reviewed = with_verdicts(doubts, marks, reviewer)
    opened = parse_place(st.query_params.get("patch", "")) or next_unreviewed(reviewed, None)
    # The verdict column comes first, so that on a phone it is above the grid.
    left, right = st.columns([1, 2], gap="medium")
    with right:
        if reviewer and len(reviewed):
            marked = int((reviewed["verdict"] != "").sum())
            st.caption(
                f"{marked:,} of these {len(reviewed):,} marked by {escape_markdown(reviewer)}"
            )
        opened = _grid(store, reviewed, opened)
    with left:
        _review_patch(store, reviewed, marks, opened, reviewer, title)


def export(store: PatchStore, doubts: pd.DataFrame) -> None:
    """Marks and doubts as CSV."""
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            "Marks as CSV",
            lambda: marks_csv(store.name, store.description),
            file_name=f"marks_{store.name}.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            key="marks_csv",
        )
        st.download_button(
            "Doubtful patches as CSV",
            lambda: csv_text(with_names(doubts, store.description), float_format="%.6f"),
            file_name=f"doubtful_{store.name}.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            key="doubts_csv",
        )
    st.caption(
        'Patches with at least one mark "wrong" and no mark "keep" can be left out of the next '
        "training: use the form on Train, or --leave-out-marked on the command line."
    )


def _grid(store: PatchStore, reviewed: pd.DataFrame, opened: Place | None) -> Place | None:
    """Show a page of doubtful patches and return the place of the open patch."""
    if reviewed.empty:
        st.info("No prediction confidently contradicts a label here.", icon=":material/check:")
        return opened
    pages = -(-len(reviewed) // _TILES_A_PAGE)
    row = find_row(store, opened) if opened else None
    page = _turn_page(reviewed, row, pages) if pages > 1 else 1
    shown = reviewed.iloc[(page - 1) * _TILES_A_PAGE : page * _TILES_A_PAGE]
    picked = patch_grid(
        store.patches[shown["row"].to_numpy()],
        [_tile(entry, store.description) for entry in shown.to_dict("records")],
        key="doubt_grid",
        tile_px=_TILE_PX,
        label=f"Doubtful labels {shown.index[0] + 1:,} to {shown.index[-1] + 1:,} of "
        f"{len(reviewed):,}, most doubtful first",
        marks_opened=True,
        opened=row,
    )
    if picked is None:
        return opened
    place = place_of(store, picked)
    st.query_params["patch"] = str(place)
    return place


def _turn_page(reviewed: pd.DataFrame, row: int | None, pages: int) -> int:
    """The current page: that of the open patch until the visitor turns the page."""
    state_key = "doubt_page_now"
    position = reviewed.index[reviewed["row"] == row]
    initial = (
        int(position[0]) // _TILES_A_PAGE + 1
        if len(position)
        else st.session_state.get(state_key, 1)
    )
    # A widget per open patch, because Streamlit sets the page only through the default.
    page = int(st.pagination(pages, default=min(initial, pages), key=f"doubt_page_{row}"))
    st.session_state[state_key] = page
    return page


def _review_patch(
    store: PatchStore,
    reviewed: pd.DataFrame,
    marks: pd.DataFrame,
    place: Place | None,
    reviewer: str,
    title: str,
) -> None:
    if place is None:
        if len(reviewed):
            st.success("You have marked all of these patches.", icon=":material/check:")
        return
    row = find_row(store, place)
    if row is None:
        st.info(
            f"The data set '{escape_markdown(store.name)}' holds no patch "
            f"{escape_markdown(str(place))}. Choose one here.",
            icon=":material/info:",
        )
        return
    matching = reviewed[reviewed["row"] == row]
    doubt = matching.iloc[0] if len(matching) else None
    mark = Mark(
        store.name,
        place.case,
        place.x,
        place.y,
        int(store.labels[row]),
        verdict="",
        reviewer=reviewer,
        run=str(doubt["run"]) if doubt is not None else "",
        probability=float(doubt["probability"]) if doubt is not None else None,
    )
    _verdict_buttons(mark, reviewed)
    _verdicts_so_far(marks, mark)
    if doubt is not None:
        st.markdown(
            f"**Doubt {int(matching.index[0]) + 1:,} of {len(reviewed):,}**, "
            f"{escape_markdown(title)}"
        )
    run = open_run(mark.run) if mark.run else None
    patch_detail(store, row, run=run, probability=mark.probability)
    st.page_link(
        "../../pages/dataset.py",
        label="Open in the data set",
        icon=":material/grid_view:",
        query_params={"data": store.name, "case": str(place.case), "patch": str(place)},
    )


def _verdict_buttons(mark: Mark, reviewed: pd.DataFrame) -> None:
    if not mark.reviewer:
        st.info("Write your name above to mark labels.", icon=":material/person:")
    with st.container(horizontal=True, gap="xsmall"):
        for verdict, (button_label, shortcut) in _BUTTONS.items():
            st.button(
                button_label,
                key=f"mark_{verdict}",
                shortcut=shortcut,
                help=f"{VERDICTS[verdict]}. Opens the next patch.",
                disabled=not mark.reviewer,
                on_click=guarded(_save),
                args=(mark, verdict, reviewed),
            )


def _save(mark: Mark, verdict: str, reviewed: pd.DataFrame) -> None:
    """Save the verdict and open the next patch without one."""
    try:
        check_reviewer(mark.reviewer)
        save_mark(Mark(**{**vars(mark), "verdict": verdict}))
    except LabelError as error:
        st.session_state["mark_problem"] = str(error)
        return
    here = Place(mark.case, mark.x, mark.y)
    same = (reviewed[["case", "x", "y"]] == [here.case, here.x, here.y]).all(axis=1)
    next_place = next_unreviewed(
        reviewed.assign(verdict=reviewed["verdict"].mask(same, verdict)), here
    )
    if next_place is None:
        st.query_params.pop("patch", None)
    else:
        st.query_params["patch"] = str(next_place)


def _verdicts_so_far(marks: pd.DataFrame, mark: Mark) -> None:
    """This reviewer's verdict, and the other reviewers' verdicts once this one has marked."""
    if problem := st.session_state.pop("mark_problem", ""):
        st.error(escape_markdown(problem), icon=":material/error:")
    here = marks[
        (marks[["case", "x", "y", "label"]] == [mark.case, mark.x, mark.y, mark.label]).all(axis=1)
    ]
    own = here[here["reviewer"] == mark.reviewer]
    if own.empty:
        return
    verdicts = [f"You: **{own.iloc[0]['verdict']}**"]
    others = here[here["reviewer"] != mark.reviewer]
    verdicts += [
        f"{escape_markdown(name)}: **{verdict}**"
        for name, verdict in zip(others["reviewer"], others["verdict"], strict=True)
    ]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(", ".join(verdicts))
        st.button(
            "Remove mark",
            type="tertiary",
            key="unmark",
            on_click=guarded(remove_mark),
            args=(mark.data, mark.case, mark.x, mark.y, mark.reviewer),
        )


def _tile(entry: dict, description: DataDescription) -> PatchTile:
    label, verdict = int(entry["label"]), entry["verdict"]
    caption = verdict or f"p {entry['probability']:.2f}"
    details = (
        f"{description.patch_title(entry['case'], entry['x'], entry['y'])}, labelled "
        f"{description.class_name(label)}, "
        f"probability {entry['probability']:.3f}" + (f", marked {verdict}" if verdict else "")
    )
    return PatchTile(int(entry["row"]), label, caption, details)
