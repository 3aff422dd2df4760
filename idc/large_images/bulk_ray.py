"""Predict many slides on a Ray cluster: tasks, files and results as in `idc.large_images.bulk`.

All machines must share the project folder, ``IDC_HOME``, the slides and the results folder.
`requirements-ray.txt` installs Ray; no other module imports it.
"""

import importlib.util
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from idc.errors import IdcError
from idc.files.home import PROJECT_DIR, home_dir
from idc.large_images.bulk import BulkProgress, OnProgress
from idc.large_images.bulk_task import BulkSettings, SlideTask, predict_task
from idc.prediction.engines import DEVICE_VARIABLE


def predict_slides_on_ray(
    todo: list[SlideTask],
    progress: BulkProgress,
    settings: BulkSettings,
    folder: Path,
    on_progress: OnProgress,
) -> BulkProgress:
    """As `idc.large_images.bulk.predict_slides`, with one worker per GPU of the cluster, or one
    per two cores without a GPU.

    Raises:
        IdcError: Ray is not installed, or the cluster cannot be reached.
    """
    if importlib.util.find_spec("ray") is None:
        raise IdcError("Ray is not installed: .venv/bin/pip install -r requirements-ray.txt")
    import ray

    # Disable Ray's usage reports: nothing is sent without consent.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    started_here = not ray.is_initialized()
    environ = {"PYTHONPATH": str(PROJECT_DIR), "IDC_HOME": str(home_dir())}
    try:
        if started_here:
            ray.init(runtime_env={"env_vars": environ}, log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise IdcError(f"The Ray cluster cannot be reached: {error}") from error
    try:
        return _run_tasks(todo, progress, settings, folder, on_progress)
    finally:
        if started_here:
            ray.shutdown()


def _run_tasks(
    todo: list[SlideTask],
    progress: BulkProgress,
    settings: BulkSettings,
    folder: Path,
    on_progress: OnProgress,
) -> BulkProgress:
    import ray

    gpus = int(ray.cluster_resources().get("GPU", 0))
    cores = int(ray.cluster_resources().get("CPU", 1))
    data = ray.data.from_items([{"number": i, **asdict(task)} for i, task in enumerate(todo)])
    answers = data.repartition(len(todo)).map(
        _Worker,
        fn_constructor_args=(asdict(settings), str(folder)),
        # The model uses several cores; one worker per core would only compete for them.
        concurrency=(1, gpus or max(1, min(cores // 2, len(todo)))),
        num_gpus=1 if gpus else 0,
    )
    for row in answers.iter_rows():
        if row["problem"]:
            progress.failed.append((todo[row["number"]].name, row["problem"]))
        else:
            progress.done += 1
        on_progress(progress)
    return progress


class _Worker:
    """An actor that predicts one slide after another and keeps its model loaded."""

    def __init__(self, settings: dict[str, Any], folder: str) -> None:
        import ray

        gpus = ray.get_gpu_ids()
        os.environ[DEVICE_VARIABLE] = str(gpus[0]) if gpus else "cpu"
        self._settings, self._folder = BulkSettings(**settings), Path(folder)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        number = row.pop("number")
        return {
            "number": number,
            "problem": predict_task(SlideTask(**row), self._settings, self._folder),
        }
