"""``python -m idc evaluate``: scores with intervals, the report, the table of predictions."""

import argparse
import contextlib
import json
import sys
from collections.abc import Mapping

from idc.cli.output_file import check_outputs
from idc.datasets.store import open_store, verify_store
from idc.evaluation.results import Results, fresh_results, saved_results
from idc.metrics.bootstrap import Bootstrap, Interval
from idc.metrics.scores import ScoreReport, baseline_note, classification_report, one_class_note
from idc.processes.console import ProgressLine
from idc.report.export import write_predictions, write_report
from idc.runs.run import Run
from idc.runs.split import seen_cases, training_overlap_note

_PRINTED_SCORES = ("accuracy", "balanced_accuracy", "sensitivity", "specificity", "f1", "roc_auc")


def evaluate_run(run: Run, options: argparse.Namespace) -> None:
    """Print a run's scores; write the report and the predictions if requested.

    Args:
        options: from `idc.cli.parser`.

    Raises:
        IdcError: predictions or data are missing or damaged, or a file cannot be written.
    """
    check_outputs(options.report, options.predictions)
    results = (
        _evaluate_other_data(run, options.data)
        if options.data
        else saved_results(run, options.part)
    )
    report = results.report(options.threshold)
    if options.report:
        write_report(options.report, run, results, report.threshold)
    if options.predictions:
        write_predictions(options.predictions, results, report.threshold)
    if note := one_class_note(results.y_true):
        print(note, file=sys.stderr)
    bootstrap = Bootstrap(results.y_true, results.y_prob, results.cases)
    intervals = bootstrap.intervals(report.threshold)
    about = {
        "run": run.id,
        "preset": run.config.preset,
        "protocol": run.config.protocol,
        "data": options.data or run.config.data,
        "part": results.part,
    }
    if results.part == "all" and results.store is not None:
        about["seen_cases"] = seen_cases(run, results.store)
    if options.json:
        with_intervals = {"intervals": {name: one.to_json() for name, one in intervals.items()}}
        print(json.dumps({**about, **report.to_json(), **with_intervals}, indent=1))
    else:
        print("run {run}, {protocol}, {part} part of '{data}'".format(**about))
        _print_scores(report, intervals, results.class_names)


def _evaluate_other_data(run: Run, data: str) -> Results:
    verify_store(data)  # a changed pixel would change a figure in silence
    store = open_store(data)
    if note := training_overlap_note(run, store):
        print(f"Warning: {note[0].lower()}{note[1:]}", file=sys.stderr)
    with contextlib.closing(ProgressLine()) as progress:
        return fresh_results(run, store, on_progress=progress.count)


def _print_scores(
    report: ScoreReport, intervals: Mapping[str, Interval], class_names: tuple[str, str]
) -> None:
    (tn, fp), (fn, tp) = report.confusion_matrix
    print(f"{report.n:,} patches, threshold {report.threshold:g}\n")
    print(f"{'':24}{'predicted negative':>20}{'predicted positive':>20}")
    print(f"{'labelled ' + class_names[0]:24}{tn:>20,}{fp:>20,}")
    print(f"{'labelled ' + class_names[1]:24}{fn:>20,}{tp:>20,}\n")
    table = classification_report(report.confusion_matrix, class_names)
    print(table.to_string(float_format="{:.3f}".format), end="\n\n")
    for name in _PRINTED_SCORES:
        score = intervals[name]
        interval = f"95 %: {score.low:.3f} to {score.high:.3f}"
        if score.no_interval:
            interval = f"no interval: {score.no_interval}"
        baseline = f"; {baseline_note((tn + fp) / report.n)}" if name == "accuracy" else ""
        print(f"{name:<20}{score.value:.3f}  {interval}{baseline}")
    print(f"always predicting the majority class: accuracy {report.majority_accuracy:.3f}")
