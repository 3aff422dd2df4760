"""A run's report: one HTML file that needs nothing else, to hand on.

It holds no script and loads nothing, so it opens anywhere and looks the same in ten years.
"""

import contextlib
import time
from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np

from idc.datasets.splits import PROTOCOLS, split_note
from idc.errors import DataError
from idc.evaluation.curve_points import published_iso_lines, thinned_curves
from idc.evaluation.patch_selection import HISTOGRAM_BINS, most_wrong
from idc.evaluation.published import PUBLISHED, why_run_not_comparable
from idc.evaluation.results import Results
from idc.metrics.bootstrap import Bootstrap, Interval, few_cases_note
from idc.metrics.calibration import bin_indices, reliability_table
from idc.metrics.scores import SCORE_DESCRIPTIONS, baseline_note, classification_report
from idc.patches import CLASS_NAMES
from idc.report.blocks import (
    STYLE,
    bullets,
    definition_list,
    format_interval,
    format_score,
    format_share,
    section,
    table,
)
from idc.report.case_pictures import case_pictures
from idc.report.plots import DASHES, bar, dot, img_tag, line, plot
from idc.runs.run import Run
from idc.runs.split import run_split, training_overlap_note
from idc.settings.training_config import PRESETS

_WORST_PATCHES = 24
_WORST_CASES = 4

LIMITS = (
    "For teaching and research, not for diagnosis.",
    "A label says whether at least 80 % of a patch lies within a region that a pathologist "
    "outlined by hand; at the border neither label is quite right.",
    "A case is one slide folder; the data do not say which cases share a patient.",
    "Slides of other scanners, stains or magnifications can score quite differently.",
    "Intervals come from 1,000 bootstrap draws of whole cases; they tell of other cases like "
    "these, not of other hospitals.",
)


def report_html(run: Run, results: Results, threshold: float) -> str:
    """The report of some results of a run.

    Args:
        threshold: predicted positive where the probability is at least this, [0, 1].

    Raises:
        IdcError: the answers are not numbers, or the data set is gone.
    """
    results.report(threshold)  # refuses answers that are not numbers
    bootstrap = Bootstrap(results.y_true, results.y_prob, results.cases)
    intervals = bootstrap.intervals(threshold)
    cases = bootstrap.scores.table(threshold).to_dict("records")
    title = f"IDC Lab: {run.title}"
    body = "".join(
        (
            _header(run, results, threshold),
            _scores(results, intervals),
            _matrix(results, threshold),
            _curves(results, threshold, intervals),
            _published(run, results, intervals),
            _probabilities(results, threshold),
            _cases(cases),
            _slides(results, cases, threshold),
            _errors(results, threshold),
            _settings(run),
            section("Limits", bullets(LIMITS)),
        )
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body><main>{body}</main></body></html>"
    )


def _header(run: Run, results: Results, threshold: float) -> str:
    data = run.config.data if results.store is None else results.store.name
    notes = [few_cases_note(len(np.unique(results.cases)))]
    whole = results.part == "all"
    scored = "whole data set" if whole else f"{results.part} part"
    if whole and results.store is not None:
        notes.append(training_overlap_note(run, results.store))
    elif not run.bundled and results.store is not None:
        notes.append(split_note(run_split(run, results.store)))
    if results.store is not None and results.store.report.generated:
        notes.append("Generated tissue, not from patients.")
    about = {
        "Run": run.id,
        "Network": PRESETS[run.config.preset].title,
        "Data set": data,
        "Split": "none: all patches" if whole else PROTOCOLS[run.config.protocol],
        "Scored": f"{scored}, {len(results.y_true):,} patches of "
        f"{len(np.unique(results.cases)):,} cases",
        "Threshold": f"{threshold:.6g} (IDC-positive from this probability on)",
        "Written": time.strftime("%d %B %Y, %H:%M"),
    }
    warnings = "".join(f'<p class="note">{escape(note)}</p>' for note in notes if note)
    return f"<h1>{escape(run.title)}</h1>{definition_list(about)}{warnings}"


def _scores(results: Results, intervals: Mapping[str, Interval]) -> str:
    negatives = float(np.mean(results.y_true == 0))
    rows = []
    for name, (title, meaning) in SCORE_DESCRIPTIONS.items():
        one = intervals[name]
        aside = f"; {baseline_note(negatives)}" if name == "accuracy" else ""
        low, _, high = one.case_quartiles
        half = (
            f"{format_score(low)} – {format_score(high)} (of {one.cases:,})"
            if one.cases
            else "undefined"
        )
        rows.append(
            [title, format_score(one.value), format_interval(one), half, f"{meaning}{aside}"]
        )
    heads = ["Score", "Value", "95 % interval", "Half of the cases", "Meaning"]
    return section("Scores", table(heads, rows))


def _matrix(results: Results, threshold: float) -> str:
    matrix = results.report(threshold).confusion_matrix
    columns = [sum(column) for column in zip(*matrix, strict=True)]
    rows = [
        [
            f"Labelled {CLASS_NAMES[label]}",
            *(
                f"{count:,} ({format_share(count, sum(row))} of row, "
                f"{format_share(count, total)} of column)"
                for count, total in zip(row, columns, strict=True)
            ),
            f"{sum(row):,}",
        ]
        for label, row in enumerate(matrix)
    ]
    heads = ["", *(f"Predicted {name}" for name in CLASS_NAMES), "Total"]
    scores = ["precision", "recall", "f1"]
    by_class = [
        [str(name), *(format_score(row[score]) for score in scores), f"{int(row['patches']):,}"]
        for name, row in classification_report(matrix).iterrows()
    ]
    return section(
        "Confusion matrix",
        table(heads, rows),
        table(["Class", "Precision", "Recall", "F1", "Patches"], by_class),
    )


def _curves(results: Results, threshold: float, intervals: Mapping[str, Interval]) -> str:
    curve_points, lines = thinned_curves(results.y_true, results.y_prob), published_iso_lines()
    sensitivity = intervals["sensitivity"].value
    used = f"threshold {threshold:.6g}"
    roc = plot(
        "false positive rate (1 − specificity)",
        "sensitivity",
        f"ROC curve, area {format_score(intervals['roc_auc'].value)}",
        line([[0, 0], [1, 1]], "guess"),
        *(line(one["roc"], "theirs", DASHES[i]) for i, one in enumerate(lines)),
        line(curve_points["roc"], "ours"),
        dot(1 - intervals["specificity"].value, sensitivity, used),
    )
    recall = plot(
        "recall (sensitivity)",
        "precision",
        f"Precision-recall curve, average {format_score(intervals['average_precision'].value)}",
        *(line(one["recall"], "theirs", DASHES[i]) for i, one in enumerate(lines)),
        line(curve_points["recall"], "ours"),
        dot(sensitivity, intervals["precision"].value, used),
    )
    names = "; ".join(
        f"{one['name']}: {('dashed', 'dotted', 'dash-dotted')[i]}" for i, one in enumerate(lines)
    )
    words = f"Published results as lines of equal balanced accuracy and equal F1: {names}."
    return section("Curves", f'<div class="two">{roc}{recall}</div>', f"<p>{escape(words)}</p>")


def _published(run: Run, results: Results, intervals: Mapping[str, Interval]) -> str:
    reasons = why_run_not_comparable(run, results)
    rows = [
        [
            "This run" + (" (not comparable)" if reasons else ""),
            *(
                f"{format_score(intervals[name].value)} ({format_interval(intervals[name])})"
                for name in ("balanced_accuracy", "f1")
            ),
            PROTOCOLS[run.config.protocol],
            f"{results.part} part",
        ]
    ]
    for one in PUBLISHED:
        figures = [format_score(value) for value in (one.balanced_accuracy, one.f1)]
        rows.append([one.name, *figures, one.protocol, f"{one.source}. {one.remark}".strip()])
    heads = ["Result", "Balanced accuracy", "F1, IDC class", "Protocol", "Source"]
    warning = ""
    if reasons:
        words = f"Not comparable with the published results. {' '.join(reasons)}"
        warning = f'<p class="note">{escape(words)}</p>'
    return section("Against published work", warning, table(heads, rows))


def _probabilities(results: Results, threshold: float) -> str:
    bar_of = 2 * bin_indices(results.y_prob, HISTOGRAM_BINS) + results.y_true
    counts = np.bincount(bar_of, minlength=2 * HISTOGRAM_BINS).reshape(-1, 2)
    most, width = counts.max(), 1 / HISTOGRAM_BINS
    bars = [
        bar(
            (place + label / 2) * width,
            (place + (label + 0.9) / 2) * width,
            np.sqrt(count / most),
            f"{place * width:.2f} to {(place + 1) * width:.2f}: {count:,} {CLASS_NAMES[label]}",
            ("negative", "positive")[label],
        )
        for place, row in enumerate(counts.tolist())
        for label, count in enumerate(row)
    ]
    at = line([[threshold, 0], [threshold, 1]], "at", "5 3")
    histogram = plot("probability of IDC", "patches (root of share)", "Histogram", *bars, at)
    points = reliability_table(results.y_true, results.y_prob)
    pairs = points[["y_prob", "positive_share"]].to_numpy()
    calibration = plot(
        "mean probability of IDC",
        "share that is IDC-positive",
        "Calibration",
        line([[0, 0], [1, 1]], "guess"),
        line(pairs, "ours"),
        *(
            dot(p, positive, f"{patches:,} patches", "case")
            for (p, positive), patches in zip(pairs, points["patches"], strict=True)
        ),
    )
    words = "Left: IDC-negative blue, IDC-positive vermilion, the threshold dashed. Right: on the "
    words += "dotted line a probability can be taken at its word."
    both = f'<div class="two">{histogram}{calibration}</div><p>{words}</p>'
    return section("Probabilities and calibration", both)


def _cases(cases: list[dict[Any, Any]]) -> str:
    shares = plot(
        "true IDC share",
        "predicted IDC share",
        "IDC share of each case",
        line([[0, 0], [1, 1]], "guess"),
        *(
            dot(case["true_share"], case["predicted_share"], f"case {case['case']}", "case")
            for case in cases
        ),
    )
    rows = [
        [
            f"{case['case']}",
            f"{case['patches']:,}",
            f"{case['true_share']:.1%}",
            f"{case['predicted_share']:.1%}",
            format_score(case["balanced_accuracy"]),
            f"{case['wrong']:,}",
        ]
        for case in cases
    ]
    heads = ["Case", "Patches", "True IDC share", "Predicted", "Balanced accuracy", "Wrong"]
    return section("Case by case, worst first", shares, table(heads, rows))


def _slides(results: Results, cases: list[dict[Any, Any]], threshold: float) -> str:
    figures = []
    most_wrong_first = sorted(cases, key=lambda case: -case["wrong"])
    for case in [case["case"] for case in most_wrong_first[:_WORST_CASES]]:
        pictures = None
        with contextlib.suppress(DataError):  # patches too far apart for a slide
            pictures = case_pictures(results, case, threshold)
        if pictures is not None:
            tissue, answers = pictures
            figures.append(
                f"<figure><figcaption>Case {case}</figcaption>"
                + img_tag(tissue, f"Case {case}, tissue")
                + img_tag(answers, f"Case {case}, answers")
                + "</figure>"
            )
    if not figures:
        return ""
    key = (
        "Right: blue correctly negative, vermilion correctly positive, yellow false alarm, black "
        "missed IDC, grey not scored; white where no patch lies."
    )
    return section(
        "Slides of the cases with the most wrong answers", "".join(figures), f"<p>{key}</p>"
    )


def _errors(results: Results, threshold: float) -> str:
    if results.store is None:
        return ""
    found = ""
    for label, title in ((0, "False alarms"), (1, "Missed IDC")):
        worst = most_wrong(results, label, _WORST_PATCHES)
        called = worst["probability"].to_numpy().astype(np.float64) >= threshold
        tiles = [
            img_tag(
                results.store.patches[one["row"]],
                f"case {one['case']}, x {one['x']}, y {one['y']}, "
                f"probability {one['probability']:.3f}",
            )
            for one in worst[called == (label == 0)].to_dict("records")
        ]
        shown = f'<div class="tiles">{"".join(tiles)}</div>' if tiles else "<p>None.</p>"
        found += section(f"{title}, the most certain first", shown)
    return found


def _settings(run: Run) -> str:
    settings = {name: str(value) for name, value in run.config.to_json().items()}
    versions = {name: str(value) for name, value in run.environment().items()}
    best = {f"best {name}": str(value) for name, value in run.best().items()}
    return section("Settings", definition_list(settings)) + section(
        "Versions and weights", definition_list({**versions, **best})
    )
