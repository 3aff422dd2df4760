"""``python -m idc predict PATHS --out FOLDER``: many slides."""

import argparse
import sys
from pathlib import Path

from idc.errors import IdcError
from idc.large_images.bulk import BulkProgress, device_workers, pending_tasks, predict_slides
from idc.large_images.bulk_task import (
    BulkSettings,
    SlideTask,
    bulk_settings,
    case_tasks,
    slide_tasks,
)
from idc.large_images.region import check_scale_choice
from idc.networks.hardware import visible_gpu_ids
from idc.prediction.predictor import default_model
from idc.processes.console import progress_line
from idc.runs.run import open_run


def slides_command(options: argparse.Namespace) -> int:
    """Predict every slide that has no result yet. Returns 2 if one failed."""
    tasks = _tasks(options)
    run = open_run(options.run) if options.run else default_model()
    if not options.data:
        check_scale_choice(run, own_pixels=options.own_pixels)
    settings = bulk_settings(run, options.threshold, options.mpp, overlaps=options.overlap)
    folder = options.out.expanduser().resolve()
    todo, progress = pending_tasks(tasks, settings, folder)
    print(
        f"Model: run {run.id}, threshold {settings.threshold:.3f}. "
        f"{len(tasks):,} slides, {progress.kept:,} already done. "
        "For research and teaching, not for diagnosis.",
        file=sys.stderr,
    )
    if todo:
        _predict_missing_slides(options, todo, progress, settings, folder)
    print(f"{progress.done + progress.kept:,} results in '{folder}'")
    if progress.failed:
        print(f"{len(progress.failed):,} slides failed.", file=sys.stderr)
    return 2 if progress.failed else 0


def _tasks(options: argparse.Namespace) -> list[SlideTask]:
    if options.out is None:
        raise IdcError("Give --out FOLDER: the results are one file per slide.")
    if options.csv != "-" or options.geojson or options.png:
        raise IdcError(
            "With --out the results are Parquet files; omit --csv, --geojson and --png, or predict "
            "a single slide without --out."
        )
    if options.data and options.path:
        raise IdcError("Give either slides or --data NAME, not both.")
    if options.data and (options.mpp or options.overlap or options.own_pixels):
        raise IdcError(
            "The patches of a data set have a fixed scale and grid; omit --mpp, --own-pixels and "
            "--overlap."
        )
    if options.data and options.only:
        raise IdcError("--only takes annotations of a slide; omit it with --data.")
    return case_tasks(options.data) if options.data else slide_tasks(options.path, options.only)


def _predict_missing_slides(
    options: argparse.Namespace,
    todo: list[SlideTask],
    progress: BulkProgress,
    settings: BulkSettings,
    folder: Path,
) -> None:
    printed = 0
    with progress_line() as line:

        def show(progress: BulkProgress) -> None:
            nonlocal printed
            for name, problem in progress.failed[printed:]:
                line.close()
                print(f"idc: {name}: {problem}", file=sys.stderr)
            printed = len(progress.failed)
            failed = f", {printed:,} failed" if printed else ""
            text = f"{progress.over:,} of {progress.total:,} slides{failed}"
            line.show(progress.over / progress.total, text, progress.left_s())

        if options.engine == "ray":
            from idc.large_images.bulk_ray import predict_slides_on_ray

            predict_slides_on_ray(todo, progress, settings, folder, show)
        else:
            devices = _devices(options.devices)
            with device_workers(devices, settings, folder) as workers:
                predict_slides(todo, progress, workers, show)
        show(progress)


def _devices(text: str | None) -> list[str]:
    if text is None:
        return visible_gpu_ids() or ["cpu"]
    devices = [name.strip() for name in text.split(",")]
    if not all(name == "cpu" or name.isdigit() for name in devices):
        raise IdcError(f"--devices must be GPU numbers or cpu. Received: {text}")
    return devices
