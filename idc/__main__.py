"""The app's jobs from a shell: ``python -m idc COMMAND``.

Results go to standard output, everything else to standard error. Exit code 0, or 2 after one
sentence about what went wrong.
"""

import argparse
import csv
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from idc.command_line import command_line
from idc.errors import DownloadError, IdcError
from idc.judging_commands import JUDGING
from idc.processes.console import fail, in_place
from idc.training_commands import TRAINING


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code."""
    options = command_line().parse_args(arguments)
    try:
        return int(_JOBS[options.command](options) or 0)
    except IdcError as error:
        return fail(error)
    except BrokenPipeError:
        # The reader (head, less) has gone; Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return fail(IdcError("Interrupted."))


def _download(options: argparse.Namespace) -> None:
    from idc.datasets.full_set import completeness
    from idc.datasets.store import open_store
    from idc.files.home import download_dir
    from idc.ingest.download import DownloadJob, full_set, show_download
    from idc.ingest.download_worker import run_here

    job = DownloadJob(options.name, options.keep_zip, options.expect or full_set())
    with in_place() as progress:
        ended = run_here(job, on_status=lambda status: show_download(progress, status))
    if ended.state != "done":
        raise DownloadError(ended.reason)
    store = open_store(ended.name)
    print(f"{len(store):,} patches in the data set '{ended.name}'")
    print(completeness(store.index).sentence())
    if job.keep_zip:
        print(f"The zip is kept in '{download_dir()}'.", file=sys.stderr)


def _pack(options: argparse.Namespace) -> None:
    from idc.datasets.full_set import completeness
    from idc.datasets.store import open_store
    from idc.ingest.packing import pack

    with in_place() as progress:
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
    from idc.datasets.store import open_store
    from idc.demo_tissue.generate import NOTICE
    from idc.shipped.demo import pack_demo

    with in_place() as progress:
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


def _measure(options: argparse.Namespace) -> None:
    from idc.datasets.measurements import measure_store
    from idc.datasets.store import open_store

    with in_place() as progress:
        measured = measure_store(open_store(options.name), on_progress=progress.count)
    print(
        f"{len(measured.tissue):,} patches: mean tissue share {measured.tissue.mean():.1%}, "
        f"mean stain {measured.stain.mean():.3f}"
    )


def _verify(options: argparse.Namespace) -> None:
    from idc.datasets.store import verify_store

    with in_place() as progress:
        patches, cases = verify_store(
            options.name, on_progress=lambda done, total: progress.show(done / total, "checking")
        )
    print(f"ok {patches} patches, {cases} cases")


def _runs(options: argparse.Namespace) -> None:
    from idc.runs.run import list_runs

    rows = []
    for run in list_runs():
        status, best = run.status(), run.log().best_epoch() or {}
        rows.append(
            {
                "run": run.id,
                "name": run.notes().name,
                "state": status.state,
                "epoch": status.epoch,
                "epochs": status.epochs,
                "preset": run.config.preset,
                "backend": run.environment().get("backend"),
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
    line = (
        "{run:<32} {state:<12} {epochs:>9} {preset:<9} {backend:<10} {protocol:<14} {score:>8}  "
        "{data}"
    )
    print(
        line.format(
            run="RUN",
            state="STATE",
            epochs="EPOCHS",
            preset="PRESET",
            backend="BACKEND",
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
            "backend": row["backend"] or "",
            "score": "" if score is None else f"{score:.3f}",
        }
        print(line.format(**shown))


def _evaluate(options: argparse.Namespace) -> None:
    from idc.evaluate_command import evaluate_command

    evaluate_command(options)


def _predict(options: argparse.Namespace) -> int:
    import numpy as np

    from idc.errors import PredictionError, UploadError
    from idc.files.sources import existing_path
    from idc.prediction.predictor import default_model, predict_patches
    from idc.region_command import region_command, wants_region
    from idc.runs.run import open_run
    from idc.slides_command import slides_command
    from idc.uploads.gate import looks_like_image
    from idc.uploads.image_files import image_files, read_patch

    if options.out or options.data:
        return slides_command(options)
    if not options.path:
        raise IdcError("Name what to predict: images, folders, zips, slides; or --data NAME.")
    if wants_region(options):
        region_command(options)
        return 0
    run = open_run(options.run) if options.run else default_model()
    names: list[str] = []
    patches: list[np.ndarray] = []
    refused = foreign = 0
    paths = [existing_path(path) for path in options.path]
    explicit = {str(path) for path in paths if not path.is_dir()}
    for file in image_files(paths):
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
    with in_place() as progress:
        answers = (
            predict_patches(run, np.stack(patches), on_progress=progress.count)
            if patches
            else np.empty(0)
        )
    threshold = run.calibration().threshold if options.threshold is None else options.threshold
    print(
        f"Model: run {run.id}, IDC-positive from {threshold:.3f} on. "
        "For research and teaching, not for diagnosis.",
        file=sys.stderr,
    )
    _write_csv(options.csv, names, answers, threshold)
    return 2 if refused else 0


def _bundle(options: argparse.Namespace) -> None:
    from idc.runs.run import BUNDLED, open_run
    from idc.shipped.build_assets import bundle, ship_bundled, ship_profile

    if options.profile and options.data:
        from idc.datasets.store import open_store

        print(f"profile of {ship_profile(open_run(BUNDLED), open_store(options.data)).patches}")
        return
    if bool(options.run) == bool(options.data):
        raise IdcError("Either --data NAME, to train the bundled model, or --run RUN.")
    bundled = ship_bundled(open_run(options.run)) if options.run else bundle(options.data)
    print(f"sha256 {bundled.best()['sha256']}")


def _record(options: argparse.Namespace) -> None:
    from idc.shipped.build_assets import record

    for run in record():
        print(run.id)


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


_JOBS = {
    "download": _download,
    "pack": _pack,
    "demo": _demo,
    "measure": _measure,
    "verify": _verify,
    "runs": _runs,
    "evaluate": _evaluate,
    "predict": _predict,
    "bundle": _bundle,
    "record": _record,
    **TRAINING,
    **JUDGING,
}


if __name__ == "__main__":
    sys.exit(main())
