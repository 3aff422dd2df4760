"""The sections of Compare on shared patches."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from idc.datasets.description import DataDescription
from idc.datasets.place import place_of
from idc.evaluation.compared_runs import ComparedRuns, balanced_thresholds, compare_runs
from idc.metrics.bootstrap import few_cases_note
from idc.runs.run import BUNDLED_RUN_ID, Run, list_runs, open_run
from idc.ui.compare.slide import slide_of_both_runs
from idc.ui.components.patch_detail import patch_detail
from idc.ui.components.patch_grid import PatchTile, patch_grid
from idc.ui.shared import address
from idc.ui.shared.comparison_figures import precision_recall_curves, roc_curves
from idc.ui.shared.formatting import escape_markdown, format_score
from idc.ui.shared.guard import guarded_fragment
from idc.ui.shared.links import slide_link
from idc.ui.shared.pickers import damaged_note, linked_row, run_title
from idc.ui.shared.score_formatting import difference_words

MAX_RUNS = 10
_TILES_A_PAGE = 48
_TILE_PX = 78
SCORE_NAMES = {
    "balanced_accuracy": "Balanced accuracy",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "precision": "Precision",
    "f1": "F1 (positive class)",
    "accuracy": "Accuracy",
    "roc_auc": "ROC AUC",
    "average_precision": "Average precision",
    "brier": "Brier score (lower is better)",
    "calibration_error": "Calibration error (lower is better)",
}


def choose_runs() -> list[Run]:
    """Let the visitor choose two or more runs, kept in the URL; the first is the reference."""
    own = [run for run in list_runs() if run.has_predictions()]
    damaged_note()
    if not own:
        st.info("There is no trained run yet.", icon=":material/info:")
        st.page_link("../../pages/train.py", label="Train one", icon=":material/model_training:")
        return []
    known = {run.id: run_title(run) for run in [*own, open_run(BUNDLED_RUN_ID)]}
    own.sort(key=lambda run: run.config.folds > 0)  # folds are rarely compared
    named = st.query_params.get_all("runs")
    linked = tuple(run for run in dict.fromkeys(named) if run in known)[:MAX_RUNS]
    latest = address.latest("runs")
    # Not bound to the URL by Streamlit, which would write the titles there instead of the ids.
    if linked and linked != latest and not address.is_outdated("runs", linked):
        st.session_state["runs"] = list(linked)
        address.remember("runs", linked)
    elif not set(st.session_state.get("runs", [None])) <= set(known):
        # On the first visit, or after a rename: the browser identifies runs by their titles.
        kept = [run for run in latest or () if run in known]
        st.session_state["runs"] = kept or [run.id for run in own[:2]]
    if missing := [run for run in dict.fromkeys(named) if run not in known]:
        address.remember("runs-missing", ", ".join(missing)[:200])
    elif latest is not None and tuple(st.session_state["runs"]) != latest:
        address.remember("runs-missing", "")
    if missing := address.latest("runs-missing"):
        st.warning(f"Runs not found: {escape_markdown(missing)}.", icon=":material/search_off:")
    chosen = st.multiselect(
        "Runs",
        list(known),
        format_func=lambda run: known[run],
        key="runs",
        max_selections=MAX_RUNS,
        help="The others are compared with the first one.",
    )
    address.remember("runs", tuple(chosen))
    if chosen != named:
        st.query_params["runs"] = chosen
    if len(chosen) < 2:
        st.info("Choose a second run to compare.", icon=":material/info:")
        return []
    return [open_run(run_id) for run_id in chosen]


def compare_on_shared_patches(runs: Sequence[Run]) -> ComparedRuns:
    """Compare the runs on the patches that all have scored, and show notes and cautions."""
    result = _compared(tuple((run.id, run.best().get("sha256", "")) for run in runs))
    about, *others = result.notes()
    st.markdown(
        f"{escape_markdown(about)} Part: "
        f"{'test' if result.part == 'test' else 'validation and test'}."
    )
    for note in others:
        st.caption(escape_markdown(note))
    for caution in result.cautions():
        st.warning(escape_markdown(caution), icon=":material/info:")
    if note := few_cases_note(len(np.unique(result.cases))):
        st.caption(note)
    return result


def choose_thresholds(result: ComparedRuns) -> list[float]:
    """One threshold per run: the same for all, or each run's own."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        kind = st.segmented_control(
            "Threshold",
            ["The same for all", "Each run's own"],
            default="The same for all",
            required=True,
            key="threshold_kind",
            help="A model's probabilities may be too low or too high overall. Its own threshold, "
            "with the best balanced accuracy on its validation part, corrects that.",
        )
        if kind == "The same for all":
            value = st.slider(
                f"{escape_markdown(result.store.description.class_names[1])} from",
                0.0,
                1.0,
                0.5,
                0.01,
                key="threshold",
                width=320,
            )
            return [float(value)] * len(result.runs)
    thresholds = balanced_thresholds(result.runs)
    st.caption(
        "; ".join(
            f"{escape_markdown(run.title)}: {threshold:g}"
            for run, threshold in zip(result.runs, thresholds, strict=True)
        )
    )
    return thresholds


def scores_section(result: ComparedRuns, thresholds: Sequence[float]) -> None:
    """All scores of all runs, and the paired differences to the first run."""
    st.subheader("Scores")
    scores = result.scores(thresholds)
    columns = {
        _name(result, 0): [format_score(scores[0][name]) for name in SCORE_NAMES],
    }
    for number in range(1, len(result.runs)):
        differences = result.differences(number, thresholds)
        columns[_name(result, number)] = [
            format_score(scores[number][name]) for name in SCORE_NAMES
        ]
        columns[f"difference, {_name(result, number)}"] = [
            difference_words(differences[name]) for name in SCORE_NAMES
        ]
    st.table(pd.DataFrame(columns, index=list(SCORE_NAMES.values())))
    st.caption(
        "Differences to the first run with 95 % intervals from a bootstrap over cases; both runs "
        "are scored on the same draws. **Bold** where the interval excludes 0. Resampling raises "
        "a small calibration error more than a large one, so the interval of its difference is "
        "biased towards 0."
    )


def curves_section(result: ComparedRuns) -> None:
    """ROC and precision-recall curves of all runs."""
    if len(np.unique(result.y_true)) < 2:
        st.info("Curves are undefined, because the shared patches are of one class.")
        return
    predictions = [
        (run.title, y_prob) for run, y_prob in zip(result.runs, result.y_prob, strict=True)
    ]
    left, right = st.columns(2, gap="large")
    for column, title, figure in (
        (left, "ROC curves", roc_curves),
        (right, "Precision-recall curves", precision_recall_curves),
    ):
        with column:
            st.subheader(title)
            st.plotly_chart(
                figure(result.y_true, predictions),
                key=title,
                alt=f"{title} of {', '.join(run.title for run in result.runs)}",
            )


def matrix_difference(result: ComparedRuns, thresholds: Sequence[float]) -> None:
    """The four counts of each run, and their differences to the first run."""
    st.subheader("Confusion matrices")
    counts = [np.array(report.confusion_matrix).ravel() for report in result.reports(thresholds)]
    columns = {_name(result, 0): [f"{count:,}" for count in counts[0]]}
    for number in range(1, len(counts)):
        columns[_name(result, number)] = [f"{count:,}" for count in counts[number]]
        columns[f"difference, {_name(result, number)}"] = [
            f"{difference:+,}".replace("-", "−") for difference in counts[number] - counts[0]
        ]
    target = escape_markdown(result.store.description.target)
    cells = ["True negative", "False alarm", f"Missed {target}", f"Found {target}"]
    st.table(pd.DataFrame(columns, index=cells))


@guarded_fragment
def disagreements(result: ComparedRuns, thresholds: Sequence[float]) -> None:
    """Patches that two runs classify differently, the open patch, and the slide of both runs."""
    st.subheader("Where they disagree")
    number = 1
    if len(result.runs) > 2:
        number = st.selectbox(
            "The first run against",
            range(1, len(result.runs)),
            format_func=lambda i: run_title(result.runs[i]),
            key="against",
        )
    table = result.disagreements(number, thresholds)
    other_right = int(table["other_is_right"].sum())
    sides = {
        "all": f"All ({len(table):,})",
        "first": f"Only run 1 is right ({len(table) - other_right:,})",
        "other": f"Only run {number + 1} is right ({other_right:,})",
    }
    side = st.segmented_control(
        "Which",
        list(sides),
        default="all",
        required=True,
        format_func=lambda name: sides[name],
        key="side",
        label_visibility="collapsed",
    )
    if side != "all":
        table = table[table["other_is_right"] == (side == "other")].reset_index(drop=True)
    if table.empty:
        st.info("The runs agree on all of these patches.", icon=":material/check:")
    else:
        _disagreements_view(result, table, number, side)
    slide_of_both_runs(result, number, list(thresholds))


def _disagreements_view(result: ComparedRuns, table: pd.DataFrame, number: int, side: str) -> None:
    left, right = st.columns([1, 2], gap="medium")
    with right:
        row = _disagreement_grid(result, table, f"{side}_{number}")
    with left:
        _opened(result, row, [result.runs[0], result.runs[number]])


def _disagreement_grid(result: ComparedRuns, table: pd.DataFrame, which: str) -> int | None:
    pages = -(-len(table) // _TILES_A_PAGE)
    page = st.pagination(pages, key=f"disagreement_page_{which}") if pages > 1 else 1
    shown = table.iloc[(page - 1) * _TILES_A_PAGE : page * _TILES_A_PAGE]
    opened = linked_row(result.store)
    picked = patch_grid(
        result.store.patches[shown["row"].to_numpy()],
        [_tile(entry, result.store.description) for entry in shown.to_dict("records")],
        key="disagreement_grid",
        tile_px=_TILE_PX,
        label="Patches that the two runs classify differently, largest difference first",
        marks_opened=True,
        opened=opened,
    )
    if picked is None:
        return opened
    st.query_params["patch"] = str(place_of(result.store, picked))
    return picked


def _opened(result: ComparedRuns, row: int | None, runs: list[Run]) -> None:
    if row is None:
        st.caption("Choose a patch to enlarge it and see both predictions.")
        return
    at = np.flatnonzero(result.rows == row)
    if len(at):
        for run in runs:
            y_prob = result.y_prob[result.runs.index(run)][at[0]]
            st.markdown(f"{escape_markdown(run.title)}: **{y_prob:.3f}**")
    patch_detail(result.store, row)
    slide_link(result.store, place_of(result.store, row), "Show on the slide, both runs", runs)


@st.cache_resource(show_spinner=False, max_entries=8)
def _compared(runs: tuple[tuple[str, str], ...]) -> ComparedRuns:
    """The comparison, cached for all visitors by run ids and digests of the weights."""
    return compare_runs([open_run(run_id) for run_id, _ in runs])


def _name(result: ComparedRuns, number: int) -> str:
    return f"{number + 1}: {escape_markdown(result.runs[number].title)}"


def _tile(entry: dict, about: DataDescription) -> PatchTile:
    label = int(entry["label"])
    return PatchTile(
        int(entry["row"]),
        label,
        f"{entry['first']:.2f} | {entry['other']:.2f}",
        f"{about.patch_title(entry['case'], entry['x'], entry['y'])}, labelled "
        f"{about.class_name(label)}, "
        f"probability {entry['first']:.3f} by the first run, {entry['other']:.3f} by the other",
    )
