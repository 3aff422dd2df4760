"""The same settings trained under both splits: start, progress and the gap in scores."""

import streamlit as st

from idc.datasets.store import PatchStore
from idc.evaluation.split_gap import SCORES, SplitGap, SplitPair, list_pairs, split_gap, split_pair
from idc.launch.start import start_runs
from idc.runs.run import Run, RunStatus, list_runs, open_run
from idc.settings.training_config import PRESETS, TrainingConfig
from idc.settings.url_query import DEFAULT_PRESET, form_defaults
from idc.ui.shared.comparison_figures import split_gap_figure
from idc.ui.shared.formatting import (
    describe_run,
    escape_markdown,
    format_score,
    format_start_time,
    metric_row,
)
from idc.ui.shared.guard import error_sentences, guarded, guarded_fragment
from idc.ui.shared.score_formatting import difference_words, signed
from idc.wording import duration

_REDRAW_EVERY_S = 1.0
_URL_NAMES = ("random", "by_case")
_TITLES = ("Split at random by patch", "Split by case")


def start_both_splits(config: TrainingConfig) -> None:
    """Start the two trainings and open the page that shows their gap.

    Raises:
        SplitError: the data cannot be split in both ways.
    """
    pair = SplitPair(*start_runs(config, both_splits=True))
    st.switch_page("../../pages/leakage.py", query_params=_query(pair))


def pair_of_url() -> SplitPair | None:
    """The two runs named in the URL; None where it names none.

    Raises:
        RunError: a run does not exist, or the two runs are not a pair.
    """
    named = [st.query_params.get(name) for name in _URL_NAMES]
    if not any(named):
        return None
    return split_pair(*(open_run(run_id or "") for run_id in named))


def forget_pair() -> None:
    """Remove the pair from the URL."""
    for name in _URL_NAMES:
        st.query_params.pop(name, None)


def offer_pair(store: PatchStore) -> None:
    """A button that trains both splits, and the pairs trained so far."""
    st.subheader("Effect of leakage")
    st.markdown(
        "Trains the same network twice, one after the other: with patches split at random, as in "
        "the well-known notebook, and split by case. The gap between the two scores is the amount "
        "by which the random split overstates performance on unseen cases."
    )
    if not store.description.has_cases:
        st.caption("This data set has no cases, so it cannot be split by case.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        preset = st.selectbox(
            "Preset",
            list(PRESETS),
            index=list(PRESETS).index(DEFAULT_PRESET),
            format_func=lambda name: PRESETS[name].title,
            key="gap_preset",
            width=240,
        )
        pressed = st.button("Train under both splits", icon=":material/compare:", key="start_both")
    if pressed:
        start_both_splits(form_defaults(preset, store.name, len(store)))
    pairs = list_pairs(list_runs())
    if pairs:
        st.markdown("**Trained so far**")
    for pair in pairs[:5]:
        st.page_link(
            "../../pages/leakage.py",
            label=_title(pair),
            icon=":material/compare:",
            query_params=_query(pair),
        )


def _title(pair: SplitPair) -> str:
    config = pair.by_case.config
    name = f"{escape_markdown(config.name)} · " if config.name else ""
    return (
        f"{name}{PRESETS[config.preset].title} on {escape_markdown(config.data)}, "
        f"{format_start_time(pair.by_case)}"
    )


def show_pair(pair: SplitPair) -> None:
    """The two runs during training, then the gap."""
    st.subheader("The same training under both splits")
    config = pair.by_case.config
    st.markdown(
        f"{PRESETS[config.preset].title} on **{escape_markdown(config.data)}**, "
        f"{config.epochs} epochs, seed "
        f"{config.seed}. The runs differ only in the split."
    )
    may_change = any(run.status().may_change for run in pair.runs)
    guarded_fragment(_watch, run_every=_REDRAW_EVERY_S if may_change else None, key="pair")(
        pair, may_change
    )
    st.button(
        "Check a split",
        type="tertiary",
        icon=":material/arrow_back:",
        key="forget_pair",
        on_click=guarded(forget_pair),
    )


def _watch(pair: SplitPair, was_live: bool) -> None:
    with error_sentences():
        states = [run.status() for run in pair.runs]
        settled = not any(status.may_change for status in states)
        if was_live and settled:
            st.rerun()  # redraw the whole page, and stop the timer
        if settled and all(run.has_predictions() for run in pair.runs):
            if not pair.comparable:
                st.warning(
                    "The two runs have not trained equally far, so the gap is not due to the "
                    "split alone. Continue the shorter run on Train.",
                    icon=":material/info:",
                )
            _show_gap(split_gap(pair))
        for column, run, status, title in zip(
            st.columns(2, gap="large"), pair.runs, states, _TITLES, strict=True
        ):
            with column:
                _show_run(run, status, title)


def _show_run(run: Run, status: RunStatus, title: str) -> None:
    st.markdown(f"**{title}**")
    st.markdown(describe_run(run, status))
    if status.live:
        fraction = (status.epoch + status.step / max(status.steps, 1)) / status.epochs
        time_left = "" if status.left_s is None else f"about {duration(status.left_s)} left"
        st.progress(min(fraction, 1.0), text=time_left or "Waiting or loading")
    elif status.state == "paused":
        st.info("Paused. Resume it on Train.", icon=":material/pause:")
    elif status.state != "finished":
        st.warning(escape_markdown(status.reason), icon=":material/error:")
    with st.container(horizontal=True):
        query = {"run": run.id}
        st.page_link(
            "../../pages/train.py",
            label="Watch it",
            icon=":material/model_training:",
            query_params=query,
        )
        if run.has_predictions() and not status.live:
            st.page_link(
                "../../pages/evaluate.py",
                label="Evaluate it",
                icon=":material/target:",
                query_params=query,
            )


def _show_gap(gap: SplitGap) -> None:
    st.markdown(f"#### {escape_markdown(gap.sentence())}")
    random_score, case_score = (
        gap.scores[name]["balanced_accuracy"] for name in ("random", "case-disjoint")
    )
    difference = gap.differences["balanced_accuracy"]
    metric_row(
        [
            ("The random split promises", format_score(random_score.value), "Balanced accuracy."),
            (
                "Unseen cases get",
                format_score(case_score.value),
                "Balanced accuracy of the run by case.",
            ),
            ("Gap", signed(difference.value), "Unseen cases minus the random split."),
        ]
    )
    st.plotly_chart(
        split_gap_figure(
            {
                title: (gap.scores["random"][name], gap.scores["case-disjoint"][name])
                for name, title in SCORES.items()
            }
        ),
        key="gap_figure",
        alt="Each score under both splits with its 95 % interval",
    )
    st.table(_table(gap))
    random, by_case = (
        f"{gap.patches[name]:,} patches of {gap.cases[name]:,} cases"
        for name in ("random", "case-disjoint")
    )
    st.caption(
        f"Scored on held-out patches: {random} at random, {by_case} by case. 95 % intervals in "
        "brackets are from a bootstrap over cases. The two runs are scored on different patches, "
        "so the gap draws cases for each run separately. Bold where its interval excludes 0."
    )
    if caution := gap.caution():
        st.caption(caution)


def _table(gap: SplitGap) -> dict[str, list[str]]:
    rows = [
        (
            title,
            gap.scores["random"][name].text(),
            gap.scores["case-disjoint"][name].text(),
            difference_words(gap.differences[name]),
        )
        for name, title in SCORES.items()
    ]
    headings = ("Score", "Random split promises", "Unseen cases get", "Gap")
    columns = zip(*rows, strict=True)
    return {heading: list(column) for heading, column in zip(headings, columns, strict=True)}


def _query(pair: SplitPair) -> dict[str, str]:
    return dict(zip(_URL_NAMES, (run.id for run in pair.runs), strict=True))
