"""A run's report: one HTML file without scripts or external resources.

`report.html.jinja` is the page; this module computes what it shows.
"""

import base64
import contextlib
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from idc.datasets.description import DataDescription
from idc.datasets.splits import PROTOCOLS, split_note
from idc.errors import DataError
from idc.evaluation.curve_points import published_iso_lines, thinned_curves
from idc.evaluation.patch_selection import HISTOGRAM_BINS, most_wrong
from idc.evaluation.published import PUBLISHED, why_run_not_comparable
from idc.evaluation.results import Results
from idc.metrics.bootstrap import NO_CASES_NOTE, Bootstrap, Interval, few_cases_note
from idc.metrics.calibration import bin_indices, reliability_table
from idc.metrics.scores import SCORE_DESCRIPTIONS, baseline_note, classification_report
from idc.report.case_pictures import case_pictures
from idc.report.formatting import format_interval, format_score, format_share
from idc.report.plots import DASHES, Bar, Dot, Line, Plot, SvgScale
from idc.runs.run import Run
from idc.runs.split import run_split, training_overlap_note
from idc.settings.training_config import PRESETS

_FOLDER = Path(__file__).parent
_WORST_PATCHES = 24
_WORST_CASES = 4

IDC_LABELS = (
    "A patch is labelled IDC-positive if at least 80 % of it lies within a region that a "
    "pathologist outlined by hand; at the border, labels are uncertain."
)
LIMITS = (
    "For teaching and research, not for diagnosis.",
    "Scores on slides of other scanners, stains or magnifications can differ considerably.",
)
IDC_CASES = "A case is one slide folder; the data do not state which cases share a patient."
INTERVALS = (
    "Intervals come from 1,000 bootstrap draws of whole cases; they apply to other cases like "
    "these, not to other hospitals."
)

_DIAGONAL = Line([[0, 0], [1, 1]], "guess")


def report_html(run: Run, results: Results, threshold: float) -> str:
    """The report of some results of a run.

    Args:
        threshold: predicted positive where the probability is at least this, [0, 1].

    Raises:
        IdcError: a probability is not a number, or the data set is gone.
    """
    results.report(threshold)  # raises where a probability is not a number
    bootstrap = Bootstrap(results.y_true, results.y_prob, results.cases)
    intervals = bootstrap.intervals(threshold)
    cases = bootstrap.scores.table(threshold).to_dict("records")
    lines = published_iso_lines() if run.description().is_idc_set else []
    return _template().render(
        style=Markup((_FOLDER / "style.css").read_text(encoding="utf-8")),
        title=run.title,
        class_names=results.class_names,
        target=results.description.target,
        about=_about(run, results, threshold),
        notes=_notes(run, results),
        scores=_score_rows(results, intervals),
        matrix=_matrix_rows(results, threshold),
        by_class=_class_rows(results, threshold),
        roc=_roc(results, threshold, intervals, lines),
        precision_recall=_precision_recall(results, threshold, intervals, lines),
        published_lines="; ".join(
            f"{line['name']}: {style}"
            for line, style in zip(lines, ("dashed", "dotted", "dash-dotted"), strict=False)
        ),
        not_comparable=why_run_not_comparable(run, results),
        published=_published_rows(run, results, intervals),
        histogram=_histogram(results, threshold),
        calibration=_calibration(results),
        case_shares=_case_shares(cases, results.description),
        cases=_case_rows(cases, results.description) if results.description.has_cases else [],
        slides=list(_slides(results, cases, threshold)),
        errors=list(_errors(results, threshold)),
        settings=run.config.to_json(),
        versions={
            **run.environment(),
            **{f"best {name}": value for name, value in run.best().items()},
        },
        limits=_limits(run),
    )


def _template() -> Any:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    scale = SvgScale()
    environment.globals["svg"] = scale
    environment.filters |= {"x": scale.x, "y": scale.y, "png_uri": _png_uri}
    return environment.get_template("report.html.jinja")


def _png_uri(rgb: np.ndarray) -> str:
    """A data URI of an image, uint8 RGB, shape (height, width, 3)."""
    _, png = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    return f"data:image/png;base64,{base64.b64encode(png.tobytes()).decode('ascii')}"


def _about(run: Run, results: Results, threshold: float) -> dict[str, str]:
    whole = results.part == "all"
    scored = "whole data set" if whole else f"{results.part} part"
    return {
        "Run": run.id,
        "Network": PRESETS[run.config.preset].title,
        "Data set": run.config.data if results.store is None else results.store.name,
        "Split": "none: all patches" if whole else PROTOCOLS[run.config.protocol],
        "Scored": f"{scored}, {len(results.y_true):,} patches of "
        f"{len(np.unique(results.cases)):,} cases",
        "Threshold": f"{threshold:.6g} ({results.class_names[1]} from this probability on)",
        "Written": time.strftime("%d %B %Y, %H:%M"),
    }


def _notes(run: Run, results: Results) -> list[str]:
    has_cases = results.description.has_cases
    notes = [few_cases_note(len(np.unique(results.cases))) if has_cases else NO_CASES_NOTE]
    if results.store is not None:
        if results.part == "all":
            notes.append(training_overlap_note(run, results.store))
        elif not run.bundled:
            notes.append(split_note(run_split(run, results.store), results.store.description))
        if results.store.report.generated:
            notes.append("Generated tissue, not from patients.")
    return [note for note in notes if note]


def _score_rows(results: Results, intervals: Mapping[str, Interval]) -> list[list[str]]:
    negative_share = float(np.mean(results.y_true == 0))
    rows = []
    for name, (title, meaning) in SCORE_DESCRIPTIONS.items():
        interval = intervals[name]
        baseline = f"; {baseline_note(negative_share)}" if name == "accuracy" else ""
        low, _, high = interval.case_quartiles
        middle_half = (
            f"{format_score(low)} – {format_score(high)} (of {interval.cases:,})"
            if interval.cases
            else "undefined"
        )
        rows.append(
            [
                title,
                format_score(interval.value),
                format_interval(interval),
                middle_half,
                f"{meaning}{baseline}",
            ]
        )
    return rows


def _limits(run: Run) -> list[str]:
    """What a reader must know; the rules of labels and cases are those of the IDC set."""
    about = run.description()
    return [
        *LIMITS[:1],
        *([IDC_LABELS, IDC_CASES] if about.is_idc_set else []),
        *LIMITS[1:],
        *([INTERVALS] if about.has_cases else []),
    ]


def _matrix_rows(results: Results, threshold: float) -> list[list[str]]:
    matrix = results.report(threshold).confusion_matrix
    column_totals = [sum(column) for column in zip(*matrix, strict=True)]
    return [
        [
            f"Labelled {results.class_names[label]}",
            *(
                f"{count:,} ({format_share(count, sum(row))} of row, "
                f"{format_share(count, total)} of column)"
                for count, total in zip(row, column_totals, strict=True)
            ),
            f"{sum(row):,}",
        ]
        for label, row in enumerate(matrix)
    ]


def _class_rows(results: Results, threshold: float) -> list[list[str]]:
    table = classification_report(results.report(threshold).confusion_matrix, results.class_names)
    return [
        [
            str(name),
            *(format_score(row[score]) for score in ("precision", "recall", "f1")),
            f"{int(row['patches']):,}",
        ]
        for name, row in table.iterrows()
    ]


def _roc(
    results: Results,
    threshold: float,
    intervals: Mapping[str, Interval],
    published: list[dict[str, Any]],
) -> Plot:
    own = thinned_curves(results.y_true, results.y_prob)["roc"]
    at_threshold = Dot(
        1 - intervals["specificity"].value,
        intervals["sensitivity"].value,
        f"threshold {threshold:.6g}",
    )
    return Plot(
        "false positive rate (1 − specificity)",
        "sensitivity",
        f"ROC curve, area {format_score(intervals['roc_auc'].value)}",
        lines=[
            _DIAGONAL,
            *(Line(line["roc"], "theirs", DASHES[i]) for i, line in enumerate(published)),
            Line(own, "ours"),
        ],
        dots=[at_threshold],
    )


def _precision_recall(
    results: Results,
    threshold: float,
    intervals: Mapping[str, Interval],
    published: list[dict[str, Any]],
) -> Plot:
    own = thinned_curves(results.y_true, results.y_prob)["recall"]
    at_threshold = Dot(
        intervals["sensitivity"].value,
        intervals["precision"].value,
        f"threshold {threshold:.6g}",
    )
    return Plot(
        "recall (sensitivity)",
        "precision",
        f"Precision-recall curve, average {format_score(intervals['average_precision'].value)}",
        lines=[
            *(Line(line["recall"], "theirs", DASHES[i]) for i, line in enumerate(published)),
            Line(own, "ours"),
        ],
        dots=[at_threshold],
    )


def _published_rows(
    run: Run, results: Results, intervals: Mapping[str, Interval]
) -> list[list[str]]:
    comparable = not why_run_not_comparable(run, results)
    own = [
        "This run" + ("" if comparable else " (not comparable)"),
        *(
            f"{format_score(intervals[name].value)} ({format_interval(intervals[name])})"
            for name in ("balanced_accuracy", "f1")
        ),
        PROTOCOLS[run.config.protocol],
        f"{results.part} part",
    ]
    return [own] + [
        [
            result.name,
            format_score(result.balanced_accuracy),
            format_score(result.f1),
            result.protocol,
            f"{result.source}. {result.remark}".strip(),
        ]
        for result in PUBLISHED
    ]


def _histogram(results: Results, threshold: float) -> Plot:
    bin_and_label = 2 * bin_indices(results.y_prob, HISTOGRAM_BINS) + results.y_true
    counts = np.bincount(bin_and_label, minlength=2 * HISTOGRAM_BINS).reshape(-1, 2)
    highest, width = counts.max(), 1 / HISTOGRAM_BINS
    bars = [
        Bar(
            (position + label / 2) * width,
            (position + (label + 0.9) / 2) * width,
            float(np.sqrt(count / highest)),
            f"{position * width:.2f} to {(position + 1) * width:.2f}: {count:,} "
            f"{results.class_names[label]}",
            ("negative", "positive")[label],
        )
        for position, row in enumerate(counts.tolist())
        for label, count in enumerate(row)
    ]
    return Plot(
        f"probability of {results.description.target}",
        "patches (root of share)",
        "Histogram",
        lines=[Line([[threshold, 0], [threshold, 1]], "at", "5 3")],
        bars=bars,
    )


def _calibration(results: Results) -> Plot:
    table = reliability_table(results.y_true, results.y_prob)
    points = table[["y_prob", "positive_share"]].to_numpy()
    return Plot(
        f"mean probability of {results.description.target}",
        f"share that is {results.class_names[1]}",
        "Calibration",
        lines=[_DIAGONAL, Line(points, "ours")],
        dots=[
            Dot(y_prob, share, f"{patches:,} patches", "case")
            for (y_prob, share), patches in zip(points, table["patches"], strict=True)
        ],
    )


def _case_shares(cases: list[dict[Any, Any]], about: DataDescription) -> Plot:
    return Plot(
        f"true {about.target} share",
        f"predicted {about.target} share",
        f"{about.target} share of each case",
        lines=[_DIAGONAL],
        dots=[
            Dot(
                case["true_share"],
                case["predicted_share"],
                f"case {about.case_name(case['case'])}",
                "case",
            )
            for case in cases
        ],
    )


def _case_rows(cases: list[dict[Any, Any]], about: DataDescription) -> list[list[str]]:
    return [
        [
            about.case_name(case["case"]),
            f"{case['patches']:,}",
            f"{case['true_share']:.1%}",
            f"{case['predicted_share']:.1%}",
            format_score(case["balanced_accuracy"]),
            f"{case['wrong']:,}",
        ]
        for case in cases
    ]


def _slides(
    results: Results, cases: list[dict[Any, Any]], threshold: float
) -> Iterator[dict[str, Any]]:
    worst_first = sorted(cases, key=lambda case: -case["wrong"])
    for case in [case["case"] for case in worst_first[:_WORST_CASES]]:
        pictures = None
        with contextlib.suppress(DataError):  # patches too far apart for a slide
            pictures = case_pictures(results, case, threshold)
        if pictures is not None:
            yield {
                "case": results.description.case_name(case),
                "tissue": pictures[0],
                "predictions": pictures[1],
            }


def _errors(results: Results, threshold: float) -> Iterator[dict[str, Any]]:
    if results.store is None:
        return
    for label, title in ((0, "False alarms"), (1, f"Missed {results.description.target}")):
        worst = most_wrong(results, label, _WORST_PATCHES)
        predicted_positive = worst["probability"].to_numpy().astype(np.float64) >= threshold
        patches = [
            {
                "rgb": results.store.patches[patch["row"]],
                "alt": f"{results.description.patch_title(patch['case'], patch['x'], patch['y'])}, "
                f"probability {patch['probability']:.3f}",
            }
            for patch in worst[predicted_positive == (label == 0)].to_dict("records")
        ]
        yield {"title": title, "patches": patches}
