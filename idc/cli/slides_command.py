"""The shell's command that predicts many slides: ``python -m idc predict PATHS --out FOLDER``."""

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
from idc.networks.hardware import visible_gpu_ids
from idc.patches import PATCH_SIZE_PX
from idc.prediction.predictor import default_model
from idc.processes.console import progress_line
from idc.runs.run import open_run


def slides_command(options: argparse.Namespace) -> int:
    """Answer every slide that has no result yet. Returns 2 when one could not be done."""
    tasks = _tasks(options)
    run = open_run(options.run) if options.run else default_model()
    stride = PATCH_SIZE_PX // 2 if options.overlap else PATCH_SIZE_PX
    settings = bulk_settings(run, options.threshold, options.mpp, stride)
    folder = options.out.expanduser().resolve()
    todo, progress = pending_tasks(tasks, settings, folder)
    print(
        f"Model: run {run.id}, IDC-positive from {settings.threshold:.3f} on. "
        f"{len(tasks):,} slides, {progress.kept:,} of them done before. "
        "For research and teaching, not for diagnosis.",
        file=sys.stderr,
    )
    if todo:
        _predict_missing_slides(options, todo, progress, settings, folder)
    print(f"{progress.done + progress.kept:,} results in '{folder}'")
    if progress.failed:
        print(f"{len(progress.failed):,} slides could not be done.", file=sys.stderr)
    return 2 if progress.failed else 0


def _tasks(options: argparse.Namespace) -> list[SlideTask]:
    if options.out is None:
        raise IdcError("Where to write? Give --out FOLDER, one file a slide.")
    if options.csv != "-" or options.geojson or options.png:
        raise IdcError(
            "Many slides are written as Parquet, one file each; leave out --csv, "
            "--geojson and --png, or predict one slide without --out."
        )
    if options.data and options.path:
        raise IdcError("Either slides or --data NAME, not both.")
    if options.data and (options.mpp or options.overlap):
        raise IdcError("A data set's patches are cut already; leave out --mpp and --overlap.")
    return case_tasks(options.data) if options.data else slide_tasks(options.path)


def _predict_missing_slides(
    options: argparse.Namespace,
    todo: list[SlideTask],
    progress: BulkProgress,
    settings: BulkSettings,
    folder: Path,
) -> None:
    named = 0
    with progress_line() as line:

        def show(progress: BulkProgress) -> None:
            nonlocal named
            for name, problem in progress.failed[named:]:
                line.close()
                print(f"idc: {name}: {problem}", file=sys.stderr)
            named = len(progress.failed)
            failed = f", {named:,} failed" if named else ""
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


def _devices(asked: str | None) -> list[str]:
    if asked is None:
        return visible_gpu_ids() or ["cpu"]
    devices = [name.strip() for name in asked.split(",")]
    if not all(name == "cpu" or name.isdigit() for name in devices):
        raise IdcError(f"--devices are numbers of GPUs, or cpu. Received: {asked}")
    return devices
