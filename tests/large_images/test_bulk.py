import importlib.util
import json
from dataclasses import replace

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from idc.__main__ import main
from idc.cli import slides_command
from idc.errors import SlideError
from idc.large_images import region_warnings, whole_slide
from idc.large_images.bulk import BulkProgress, WorkerLost, pending_tasks, predict_slides
from idc.large_images.bulk_task import (
    SlideTask,
    bulk_settings,
    case_tasks,
    is_done,
    predict_task,
    slide_tasks,
)
from idc.large_images.region_exports import COLUMNS
from idc.prediction import image_warnings, predictor
from idc.runs.run import BUNDLED_RUN_ID, open_run
from tests.support.made_patches import tiny_store
from tests.support.made_slides import (
    annotation_bytes,
    box_feature,
    tissue_squares,
    write_scn,
    write_slide,
)


@pytest.fixture
def slides(tmp_path):
    """Three slides at 1 um per px, with two cells of tissue each."""
    folder = tmp_path / "slides"
    folder.mkdir()
    for number in range(3):
        rgb = tissue_squares(600, 400, 200, [(0, 0), (1, number)])
        write_slide(folder / f"s{number}.svs", rgb, mpp_um=1.0)
    return folder


@pytest.fixture
def settings(home):
    return bulk_settings(open_run(BUNDLED_RUN_ID), threshold=0.5, mpp_um=None)


@pytest.fixture
def request_sizes(monkeypatch):
    """The number of patches in each request to a model that always returns 0.75 and warns."""
    request_sizes = []

    def answer(run, patches, **_):
        request_sizes.append(len(patches))
        return np.full(len(patches), 0.75, np.float32)

    monkeypatch.setattr(whole_slide, "predict_patches", answer)
    monkeypatch.setattr(predictor, "predict_patches", answer)
    monkeypatch.setattr(region_warnings, "region_warning", lambda *_: "Unlike tissue.")
    monkeypatch.setattr(
        image_warnings, "warnings_for_patches", lambda _, patches: [["A.", "B."], *[[]] * 11]
    )
    return request_sizes


@pytest.fixture
def one_worker_here(monkeypatch):
    """Run the workers in this process, so that a test can replace the model."""

    class Here:
        def __init__(self, devices, settings, folder):
            self.work = [lambda task: predict_task(task, settings, folder) for _ in devices]

        def __enter__(self):
            return self.work

        def __exit__(self, *_):
            return None

    monkeypatch.setattr(slides_command, "device_workers", Here)


def modified(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def test_each_slide_gives_one_file_with_a_row_per_cell(slides, settings, request_sizes, tmp_path):
    (task, *_) = slide_tasks([slides])

    assert predict_task(task, settings, tmp_path) == ""

    (path,) = tmp_path.glob("*.parquet")
    table = pq.read_table(path)
    assert path.name.startswith("s0.svs-")
    assert tuple(table.column_names) == COLUMNS
    assert table.column("y_prob").to_pylist() == [0.75, None, None, 0.75, None, None]
    assert table.column("y_pred").to_pylist() == [1, None, None, 1, None, None]
    assert table.column("y_px").to_pylist() == [0, 0, 0, 200, 200, 200]
    warning = "Unlike tissue."
    assert table.column("warning").to_pylist() == [warning, None, None, warning, None, None]


def test_result_of_a_slide_with_bounds_names_its_frame(settings, request_sizes, tmp_path):
    rgb = tissue_squares(200, 200, 200, [(0, 0)])
    path = write_scn(tmp_path / "s.scn", rgb, size=(800, 600), at=(400, 200), mpp_um=1.0)
    (task,) = slide_tasks([path])

    assert predict_task(task, settings, tmp_path) == ""

    table = pq.read_table(tmp_path / task.result_name())
    assert set(table.column("frame").to_pylist()) == {"level 0"}
    assert table.filter(pc.field("is_tissue")).column("x_px").to_pylist() == [400]
    assert table.schema.metadata[b"bounds_px"] == b"[400, 200, 200, 200]"


def test_only_limits_each_slide_to_its_own_annotations(
    slides, request_sizes, one_worker_here, home, tmp_path, capsys
):
    only = tmp_path / "only"
    only.mkdir()
    (only / "s0.geojson").write_bytes(annotation_bytes(box_feature("A", 0, 0, 200, 400)))
    (only / "s1.svs.geojson").write_bytes(annotation_bytes(box_feature("B", 200, 0, 400, 400)))
    out = tmp_path / "out"
    arguments = ["predict", str(slides), "--out", str(out), "--only", str(only)]

    assert main(arguments) == 2

    assert request_sizes == [2, 1]
    first, second = (pq.read_table(path) for path in sorted(out.iterdir()))
    assert first.column("annotation").to_pylist() == ["A", "A"]
    assert second.column("y_prob").to_pylist() == [None, 0.75]
    assert json.loads(second.schema.metadata[b"annotations"]) == [
        {"name": "B", "cells": 1, "area_mm2": pytest.approx(0.04), "positive_share": 1.0}
    ]
    assert "s2.svs: The annotations 's2.geojson' cannot be read" in capsys.readouterr().err


def test_changed_annotations_are_predicted_again(slides, settings, request_sizes, tmp_path):
    only, path = tmp_path / "a.geojson", slides / "s0.svs"
    only.write_bytes(annotation_bytes(box_feature("A", 0, 0, 200, 200)))
    (task,) = slide_tasks([path], only)
    assert predict_task(task, settings, tmp_path) == ""
    assert is_done(task, settings, tmp_path)
    assert not is_done(replace(task, only=""), settings, tmp_path)

    only.write_bytes(annotation_bytes(box_feature("A", 0, 0, 200, 400)))

    assert not is_done(task, settings, tmp_path)


def test_each_case_gives_one_file_with_a_row_per_patch(settings, request_sizes, tmp_path):
    store = tiny_store("tiny", cases=3, per_case=12)
    task = case_tasks("tiny")[1]

    assert predict_task(task, settings, tmp_path) == ""

    table = pq.read_table(tmp_path / "case-2.parquet")
    assert table.column("x_px").to_pylist() == store.columns["x"][store.cases == 2].tolist()
    assert table.column("y_prob").to_pylist() == [0.75] * 12
    assert table.column("warning").to_pylist() == ["A. B.", *[None] * 11]
    assert set(table.column("frame").to_pylist()) == {"case"}
    assert request_sizes == [12]


def test_restarted_job_runs_only_missing_tasks(
    slides, request_sizes, one_worker_here, home, tmp_path, capsys
):
    out = tmp_path / "out"
    arguments = ["predict", str(slides), "--out", str(out)]
    assert main(arguments) == 0
    before = modified(out)
    removed = next(name for name in before if name.startswith("s1"))
    (out / removed).unlink()

    assert main(arguments) == 0

    after = modified(out)
    assert {name for name in after if after[name] != before[name]} == {removed}
    assert "3 slides, 2 already done" in capsys.readouterr().err


@pytest.mark.parametrize(
    "change", [{"sha256": "0" * 64}, {"threshold": 0.6}, {"mpp_um": 1.1}, {"stride": 25}]
)
def test_result_of_another_model_or_setting_is_not_reused(
    slides, settings, request_sizes, tmp_path, change
):
    task = slide_tasks([slides])[0]
    predict_task(task, settings, tmp_path)

    assert is_done(task, settings, tmp_path)
    assert not is_done(task, replace(settings, **change), tmp_path)


def test_result_of_a_changed_file_and_damaged_result_are_not_reused(
    slides, settings, request_sizes, tmp_path
):
    first, second, _ = slide_tasks([slides])
    for task in (first, second):
        predict_task(task, settings, tmp_path)
    write_slide(slides / "s0.svs", tissue_squares(800, 400, 200, [(0, 0)]), mpp_um=1.0)
    (tmp_path / second.result_name()).write_bytes(b"PAR1 cut off")

    assert pending_tasks([first, second], settings, tmp_path)[0] == [first, second]


def test_unreadable_slide_is_reported_and_the_others_are_done(
    slides, request_sizes, one_worker_here, home, tmp_path, capsys
):
    (slides / "broken.svs").write_bytes(b"no slide")
    out = tmp_path / "out"

    assert main(["predict", str(slides), "--out", str(out)]) == 2

    printed = capsys.readouterr()
    assert printed.err.count("idc: broken.svs: ") == 1
    assert "1 slides failed" in printed.err
    assert printed.out == f"3 results in '{out}'\n"
    assert len(list(out.iterdir())) == 3  # and no partial files


def test_changed_weights_fail_the_task(slides, settings, request_sizes, tmp_path):
    changed = replace(settings, sha256="0" * 64)

    problem = predict_task(slide_tasks([slides])[0], changed, tmp_path)

    assert "changed since this job started" in problem
    assert list(tmp_path.glob("*.parquet")) == []


def test_lost_worker_fails_one_slide_and_three_losses_end_it():
    tasks = [SlideTask(f"s{number}") for number in range(6)]

    def work(task):
        if task.name == "s0":
            return ""
        raise WorkerLost("gone")

    progress = predict_slides(tasks, BulkProgress(len(tasks)), [work])

    assert progress.done == 1
    assert [name for name, _ in progress.failed] == ["s1", "s2", "s3", "s4", "s5"]
    assert progress.failed[2][1] == "gone"
    assert progress.failed[3][1] == "Not started: all workers ended unexpectedly."


def test_two_workers_share_the_slides():
    tasks = [SlideTask(str(number)) for number in range(50)]
    done = []

    def work(task):
        done.append(task.name)
        return ""

    predict_slides(tasks, BulkProgress(50), [work, work])

    assert sorted(done, key=int) == [task.name for task in tasks]


def test_time_left_counts_only_slides_of_this_job():
    progress = BulkProgress(total=10, kept=4)
    assert progress.left_s() is None
    progress.done, progress.began = 2, progress.began - 20

    assert progress.left_s() == pytest.approx(40, rel=0.01)


def test_slide_given_twice_is_done_once(slides):
    named = slide_tasks([slides, slides / "s1.svs"])

    assert [task.name for task in named] == ["s0.svs", "s1.svs", "s2.svs"]


def test_folder_without_slides_is_refused(tmp_path):
    with pytest.raises(SlideError, match="There is no slide at these paths"):
        slide_tasks([tmp_path])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--data", "tiny"], "Give --out FOLDER"),
        (["a.svs", "--out", "o", "--csv", "c"], "With --out the results are Parquet files"),
        (["a.svs", "--out", "o", "--data", "tiny"], "Give either slides or --data NAME"),
        (["--out", "o", "--data", "tiny", "--overlap"], "have a fixed scale and grid"),
        ([], "Give paths to predict"),
    ],
)
def test_invalid_arguments_are_refused(arguments, sentence, home, capsys):
    assert main(["predict", *arguments]) == 2
    assert sentence in capsys.readouterr().err


def test_devices_are_gpus_by_number_or_the_cpu(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    assert slides_command._devices(None) == ["2", "3"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert slides_command._devices(None) == ["cpu"]
    assert slides_command._devices("0, cpu") == ["0", "cpu"]


@pytest.mark.slow
def test_worker_processes_and_ray_write_equal_results(slides, home, tmp_path, capsys):
    (slides / "broken.svs").write_bytes(b"no slide")
    results = {}
    for engine in ("local", "ray"):
        out = tmp_path / engine
        arguments = ["predict", str(slides), "--out", str(out), "--engine", engine]
        assert main(arguments) == 2, capsys.readouterr().err
        assert "idc: broken.svs: " in capsys.readouterr().err
        results[engine] = {path.name: pq.read_table(path) for path in out.iterdir()}

    assert len(results["local"]) == 3
    assert results["local"].keys() == results["ray"].keys()
    for name, table in results["local"].items():
        assert table.equals(results["ray"][name], check_metadata=True)
        assert sum(table.column("is_tissue").to_pylist()) == 2


def test_missing_ray_is_named_in_the_error(slides, home, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    arguments = ["predict", str(slides), "--out", str(tmp_path / "out"), "--engine", "ray"]
    assert main(arguments) == 2
    assert "requirements-ray.txt" in capsys.readouterr().err
