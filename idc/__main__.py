"""The app's jobs from a shell: ``python -m idc COMMAND``.

Results go to standard output, everything else to standard error. Exit code 0, or 2 after one
sentence about what went wrong.
"""

import argparse
import csv
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from idc.config import AUGMENTATIONS, OPTIMIZERS, PRESETS, SCHEDULES, preset_config
from idc.console import ProgressLine, fail
from idc.errors import IdcError
from idc.splits import PROTOCOLS, UNLISTED


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.job(options) or 0)
    except IdcError as error:
        return fail(error)
    except BrokenPipeError:
        # The reader (head, less) has gone; Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return fail(IdcError("Interrupted."))


def _pack(options: argparse.Namespace) -> None:
    from idc.packing import pack
    from idc.reference import completeness
    from idc.store import open_store

    with _progress() as progress:
        report = pack(
            options.source,
            options.name,
            replace_existing=options.replace,
            on_progress=progress.count,
        )
    store = open_store(options.name)
    negative, positive = (int((store.labels == label).sum()) for label in (0, 1))
    print(f"{len(store):,} patches: {negative:,} IDC-negative, {positive:,} IDC-positive")
    print(completeness(store.index).sentence())
    for number, what in (
        (report.second_copies, "second copies dropped"),
        (report.resized, "edge patches resized to 50x50"),
        (report.foreign, "foreign files skipped"),
        (report.damaged, "damaged patches skipped"),
    ):
        if number:
            print(f"{number:,} {what}")
    for name in report.damaged_names:
        print(f"damaged: {name}", file=sys.stderr)


def _demo(options: argparse.Namespace) -> None:
    from idc.demo import pack_demo
    from idc.store import open_store
    from idc.synthetic import NOTICE

    with _progress() as progress:
        pack_demo(
            options.name,
            cases=options.cases,
            seed=options.seed,
            replace_existing=options.replace,
            on_progress=progress.count,
        )
    store = open_store(options.name)
    print(NOTICE.capitalize() + ".", file=sys.stderr)
    print(
        f"{len(store):,} patches of {options.cases} cases, {store.labels.mean():.1%} IDC-positive"
    )


def _verify(options: argparse.Namespace) -> None:
    from idc.store import verify_store

    with _progress() as progress:
        patches, cases = verify_store(
            options.name, on_progress=lambda done, total: progress.show(done / total, "checking")
        )
    print(f"ok {patches} patches, {cases} cases")


def _train(options: argparse.Namespace) -> None:
    from idc.runs import create_run
    from idc.splits import make_split, split_note
    from idc.store import open_store

    settings = {
        name: value
        for name, value in vars(options).items()
        if value is not None and name not in ("job", "command", "data", "preset")
    }
    if settings.get("patches") == "all":
        settings["patches"] = None
    config = preset_config(options.preset, options.data, **settings)
    store = open_store(config.data)
    split = make_split(
        store.index,
        config.protocol,
        seed=config.seed,
        unlisted=config.unlisted,
        patches=config.patches,
    )
    print(split.counts(store.index).to_string(float_format="{:.3f}".format), file=sys.stderr)
    held_out = len(split.validation) + len(split.test)
    print(
        f"training array {(len(split.train), 50, 50, 3)}, held-out array {(held_out, 50, 50, 3)}, "
        "uint8 RGB",
        file=sys.stderr,
    )
    if note := split_note(split):
        print(note, file=sys.stderr)
    _become_trainer(create_run(config).id)


def _resume(options: argparse.Namespace) -> None:
    from idc.runs import open_run, prepare_to_continue

    run = open_run(options.run)
    prepare_to_continue(run, options.more_epochs)
    _become_trainer(run.id)


def _become_trainer(run_id: str) -> None:
    # A fresh process, so that Keras is imported first (see idc.trainer), under the same pid, so
    # that whoever started this command can watch, interrupt or kill the training itself.
    sys.stdout.flush()
    sys.stderr.flush()
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(Path(__file__).resolve().parent.parent), os.environ.get("PYTHONPATH", "")]
    ).rstrip(os.pathsep)
    os.execv(sys.executable, [sys.executable, "-m", "idc.trainer", run_id, "--follow"])


def _runs(options: argparse.Namespace) -> None:
    from idc.runs import list_runs

    rows = []
    for run in list_runs():
        status, best = run.status(), run.log().best_epoch() or {}
        rows.append(
            {
                "run": run.id,
                "name": run.config.name,
                "state": status.state,
                "epoch": status.epoch,
                "epochs": status.epochs,
                "preset": run.config.preset,
                "data": run.config.data,
                "protocol": run.config.protocol,
                "best_epoch": best.get("epoch"),
                "val_balanced_accuracy": best.get("val_balanced_accuracy"),
                "val_roc_auc": best.get("val_roc_auc"),
                "reason": status.reason,
            }
        )
    if options.json:
        print(json.dumps(rows, indent=1))
        return
    line = "{run:<32} {state:<12} {epochs:>9} {preset:<9} {protocol:<14} {score:>8}  {data}"
    print(
        line.format(
            run="RUN",
            state="STATE",
            epochs="EPOCHS",
            preset="PRESET",
            protocol="PROTOCOL",
            score="BAL.ACC.",
            data="DATA",
        )
    )
    for row in rows:
        score = row["val_balanced_accuracy"]
        shown = {
            **row,
            "epochs": f"{row['epoch']}/{row['epochs']}",
            "score": "" if score is None else f"{score:.3f}",
        }
        print(line.format(**shown))


def _evaluate(options: argparse.Namespace) -> None:
    from idc.evaluation import classification_report
    from idc.results import fresh_results, saved_results, seen_cases
    from idc.runs import open_run
    from idc.store import open_store

    run = open_run(options.run)
    if options.data:
        store = open_store(options.data)
        if seen := seen_cases(run, store):
            print(
                f"Careful: the run trained on {seen:,} of these cases; scores on them flatter.",
                file=sys.stderr,
            )
        with _progress() as progress:
            results = fresh_results(run, store, on_progress=progress.count)
    else:
        results = saved_results(run, options.part)
    report = results.report(options.threshold)
    if options.json:
        about = {
            "run": run.id,
            "preset": run.config.preset,
            "protocol": run.config.protocol,
            "data": results.store.name,
            "part": results.part,
        }
        print(json.dumps({**about, **report.to_json()}, indent=1))
        return
    (tn, fp), (fn, tp) = report.confusion_matrix
    print(f"run {run.id}, {run.config.protocol}, {results.part} part of '{results.store.name}'")
    print(f"{report.n:,} patches, threshold {report.threshold:g}\n")
    print(f"{'':24}{'predicted negative':>20}{'predicted positive':>20}")
    print(f"{'labelled IDC-negative':24}{tn:>20,}{fp:>20,}")
    print(f"{'labelled IDC-positive':24}{fn:>20,}{tp:>20,}\n")
    print(
        classification_report(report.confusion_matrix).to_string(float_format="{:.3f}".format),
        end="\n\n",
    )
    for name in ("accuracy", "balanced_accuracy", "sensitivity", "specificity", "f1", "roc_auc"):
        print(f"{name:<20}{getattr(report, name):.3f}")
    print(f"always answering with the commoner class: accuracy {report.majority_accuracy:.3f}")


def _predict(options: argparse.Namespace) -> int:
    import numpy as np

    from idc.errors import PredictionError, UploadError
    from idc.prediction import image_files, newest_model, predict_patches, read_patch
    from idc.runs import open_run
    from idc.uploads import looks_like_image

    run = open_run(options.run) if options.run else newest_model()
    if run is None:
        raise PredictionError("There is no trained model yet; train one: python -m idc train")
    names: list[str] = []
    patches: list[np.ndarray] = []
    refused = foreign = 0
    explicit = {str(path) for path in options.path if not path.is_dir()}
    for file in image_files(options.path):
        if file.name not in explicit and file.data and not looks_like_image(file.data):
            foreign += 1
            continue
        try:
            patches.append(read_patch(file))
            names.append(file.name)
        except UploadError as error:
            refused += 1
            print(f"idc: {error}", file=sys.stderr)
    if foreign:
        print(f"{foreign:,} files that are no images were skipped.", file=sys.stderr)
    if not patches and not refused:
        raise PredictionError("There is no image at these paths; give PNG, JPEG or TIFF patches.")
    with _progress() as progress:
        answers = (
            predict_patches(run, np.stack(patches), on_progress=progress.count)
            if patches
            else np.empty(0)
        )
    print(f"Model: run {run.id}. For research and teaching, not for diagnosis.", file=sys.stderr)
    _write_csv(options.csv, names, answers, options.threshold)
    return 2 if refused else 0


def _write_csv(target: str, names: list[str], answers: Any, threshold: float) -> None:
    try:
        file = sys.stdout if target == "-" else Path(target).open("w", newline="")  # noqa: SIM115
    except OSError as error:
        raise IdcError(f"'{target}' cannot be written ({error.strerror}).") from error
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["file", "y_prob", "y_pred"])
    for name, y_prob in zip(names, answers, strict=True):
        writer.writerow([name, f"{y_prob:.6f}", int(y_prob >= threshold)])
    if file is not sys.stdout:
        file.close()


class _progress:
    """A progress line for the length of a ``with``."""

    def __enter__(self) -> ProgressLine:
        self._line = ProgressLine()
        return self._line

    def __exit__(self, *_: object) -> None:
        self._line.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m idc",
        description="Pack, train, evaluate and predict on breast-histopathology patches. "
        "For research and teaching, not for diagnosis.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, job: Callable[[argparse.Namespace], Any], text: str) -> Any:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(job=job)
        return sub

    sub = command("pack", _pack, "Pack zips and folders of patches into one data set.")
    sub.add_argument("source", nargs="+", type=Path, help="a zip or a folder")
    sub.add_argument("--name", required=True, help="the data set's name")
    sub.add_argument("--replace", action="store_true", help="replace a data set of that name")

    sub = command("demo", _demo, "Generate demo tissue: not from patients, no download.")
    sub.add_argument("--name", default="demo", help="the data set's name (demo)")
    sub.add_argument("--cases", type=int, default=12, metavar="N", help="slides to make (12)")
    sub.add_argument("--seed", type=int, default=0, metavar="S", help="of all that is random (0)")
    sub.add_argument("--replace", action="store_true", help="replace a data set of that name")

    sub = command("verify", _verify, "Read every byte of a data set and check it.")
    sub.add_argument("name", help="the data set's name")

    _add_train(command("train", _train, "Train a network; the last line printed is the run's id."))

    sub = command("resume", _resume, "Go on with a stopped, killed or finished run.")
    sub.add_argument("run", help="the run's id")
    sub.add_argument(
        "--more-epochs",
        type=int,
        metavar="N",
        help="train N epochs beyond the finished ones (a run that was cut off goes on "
        "to its own number by default; a finished one trains as many again)",
    )

    sub = command("runs", _runs, "List all runs, the newest first.")
    sub.add_argument("--json", action="store_true", help="as JSON")

    sub = command(
        "evaluate", _evaluate, "Score a run on its held-out part, or on another data set."
    )
    sub.add_argument("run", help="the run's id")
    sub.add_argument("--data", metavar="NAME", help="score all patches of this data set instead")
    sub.add_argument(
        "--part", choices=("test", "validation"), help="by default test, if there is one"
    )
    sub.add_argument(
        "--threshold", type=_threshold, default=0.5, help="IDC-positive from here on (0.5)"
    )
    sub.add_argument("--json", action="store_true", help="as JSON")

    sub = command("predict", _predict, "Predict images: files, folders, zips.")
    sub.add_argument("path", nargs="+", type=Path, help="an image, a folder or a zip")
    sub.add_argument("--run", help="whose model (the newest by default)")
    sub.add_argument(
        "--csv", default="-", metavar="FILE", help="where to write; - is standard output"
    )
    sub.add_argument(
        "--threshold", type=_threshold, default=0.5, help="IDC-positive from here on (0.5)"
    )
    return parser


def _add_train(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--data", required=True, metavar="NAME", help="the data set's name")
    sub.add_argument(
        "--preset", choices=list(PRESETS), default="notebook", help="the network and its settings"
    )
    sub.add_argument(
        "--protocol", choices=list(PROTOCOLS), help="how patches are split (case-disjoint)"
    )
    sub.add_argument(
        "--unlisted", choices=UNLISTED, help="cases in no published list: left out, or train"
    )
    sub.add_argument("--patches", type=_count, metavar="N|all", help="patches to use (40000)")
    sub.add_argument("--seed", type=int, metavar="S", help="of everything random (0)")
    sub.add_argument("--epochs", type=int, metavar="N", help="passes over the training patches")
    sub.add_argument("--batch-size", type=int, metavar="N", help="patches a step")
    sub.add_argument("--learning-rate", type=float, metavar="R", help="of the optimizer")
    sub.add_argument("--optimizer", choices=OPTIMIZERS)
    sub.add_argument("--weight-decay", type=float, metavar="D", help="decoupled, with adamw")
    sub.add_argument("--schedule", choices=list(SCHEDULES), help="of the learning rate")
    sub.add_argument("--label-smoothing", type=float, metavar="E")
    sub.add_argument("--augmentation", choices=list(AUGMENTATIONS), help="of training patches")
    sub.add_argument(
        "--early-stopping",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="end when the validation loss no longer improves",
    )
    sub.add_argument(
        "--patience", type=int, metavar="N", help="epochs that early stopping waits (5)"
    )
    sub.add_argument("--name", help="what people call the run")


def _count(text: str) -> int | str:
    return text if text == "all" else int(text)


def _threshold(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must lie in [0, 1], received {text}")
    return value


if __name__ == "__main__":
    sys.exit(main())
