"""Shell commands that analyse: scores of a run, comparisons, doubtful labels, leakage of splits.

Each looks for its run before it imports scikit-learn, which takes a second.
"""

import argparse
import json
import math
import sys

from idc.processes.console import progress_line


def evaluate_command(options: argparse.Namespace) -> None:
    """Print a run's scores; write the report and the predictions if requested."""
    from idc.runs.run import open_run

    run = open_run(options.run)
    from idc.cli.evaluate_command import evaluate_run

    evaluate_run(run, options)


def leakage_command(options: argparse.Namespace) -> None:
    """Check a split for leakage; print a table or JSON."""
    from idc.datasets.leakage import check_leakage, near_uniform_note
    from idc.datasets.splits import make_split, protocols_for
    from idc.datasets.store import open_store
    from idc.runs.run import check_same_data, open_run
    from idc.runs.split import run_split

    if options.run:
        run = open_run(options.run)
        store = open_store(run.config.data)
        check_same_data(run, store)
        split = run_split(run, store)
    else:
        store = open_store(options.data)
        split = make_split(
            store.index,
            options.protocol or protocols_for(store.description)[0],
            seed=options.seed,
            unlisted=options.unlisted,
            patches=None if options.patches == "all" else options.patches,
            description=store.description,
        )
    with progress_line() as progress:
        report = check_leakage(store, split, on_progress=progress.count)
    if options.json:
        about = {"data": store.name, "protocol": split.protocol, "seed": split.seed}
        print(json.dumps({**about, **report.to_json()}, indent=1))
        return
    print(report.table().to_string(), end="\n\n")
    for sentence in [*report.sentences(), near_uniform_note(report)]:
        if sentence:
            print(sentence)


def compare_command(options: argparse.Namespace) -> None:
    """Compare runs; print tables or JSON."""
    from idc.runs.run import open_run

    runs = [open_run(run) for run in options.run]
    from idc.evaluation.compared_runs import balanced_thresholds, compare_runs

    compared = compare_runs(runs, options.part)
    thresholds = (
        balanced_thresholds(runs) if options.own_thresholds else [options.threshold] * len(runs)
    )
    if options.json:
        print(json.dumps(compared.to_json(thresholds), indent=1))
        return
    for note in [*compared.notes(), *compared.cautions()]:
        print(note)
    first, *others = compared.scores(thresholds)
    print(f"\n1: {runs[0].title}, threshold {thresholds[0]:g}")
    for name, value in first.items():
        print(f"  {name:<20}{_score(value)}")
    for number, scores in enumerate(others, 1):
        print(f"\n{number + 1}: {runs[number].title}, threshold {thresholds[number]:g}")
        differences = compared.differences(number, thresholds)
        for name, value in scores.items():
            difference = differences[name]
            interval = f" ({difference.low:+.3f} to {difference.high:+.3f})"
            interval = "" if math.isnan(difference.low) else interval
            text = "" if math.isnan(difference.value) else f"  {difference.value:+.3f}{interval}"
            print(f"  {name:<20}{_score(value)}{text}")
        print(f"  disagreements       {len(compared.disagreements(number, thresholds)):,}")


def folds_command(options: argparse.Namespace) -> None:
    """Cross-validate a run's settings; the last line printed is the id of the folds."""
    from idc.launch.folds import create_folds, open_folds, stop_on_signals, train_folds
    from idc.runs.run import open_run

    if options.resume:
        job = open_folds(options.run)
        job.clear_stop_request()
    else:
        job = create_folds(open_run(options.run), options.folds)
    stop_on_signals(job)
    with progress_line() as progress:
        train_folds(job, progress)
    print(job.state()[1], file=sys.stderr)
    print(job.id)


def doubtful_command(options: argparse.Namespace) -> None:
    """Print the doubtful labels of a run or of folds as CSV."""
    from idc.launch.folds import open_folds
    from idc.runs.run import open_run

    if options.folds:
        runs, parts = open_folds(options.folds).finished(), ["test"]
    else:
        runs, parts = [open_run(options.run)], ["test", "validation"]
    from idc.evaluation.doubtful_labels import held_out_predictions
    from idc.files.spreadsheets import csv_text

    held_out = held_out_predictions(runs, parts)
    table = held_out.table()
    print(f"{len(table):,} of {len(held_out.rows):,} labels are doubtful.", file=sys.stderr)
    print(csv_text(table, float_format="%.6f"), end="")


def marks_command(options: argparse.Namespace) -> None:
    """Print all reviewers' marks on a data set as CSV."""
    from idc.datasets.label_marks import marks_csv
    from idc.datasets.store import open_store
    from idc.errors import DataError

    try:
        text = marks_csv(options.data, open_store(options.data).description)
    except DataError:  # the data set is gone; its marks remain
        text = marks_csv(options.data)
    if text.count("\n") == 1:  # the header
        print(f"No marks on the data set '{options.data}' are stored.", file=sys.stderr)
    print(text, end="")


def _score(value: float) -> str:
    return "    –" if math.isnan(value) else f"{value:.3f}"


COMMANDS = {
    "evaluate": evaluate_command,
    "leakage": leakage_command,
    "compare": compare_command,
    "folds": folds_command,
    "doubtful": doubtful_command,
    "marks": marks_command,
}
