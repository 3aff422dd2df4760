"""What it costs a training to be watched: with the watched slide, the four curves' scores of each
batch and the most wrong patches, against the same training without them.

    python bench/live_overhead.py [--data demo] [--preset fast] [--epochs 3] [--rounds 3] [--page]

Trainings take turns, each in a process of its own; with --page a browser also looks at the Train
page of another watched one, on the same machine. Prints the least seconds over the rounds (others
on the machine only ever add), the trainer's least processor seconds, and the share of its own time
that a watched training spends on frames and lists of wrong patches, which others hardly disturb.
That share leaves out the frame before the first step: it compiles what validation would compile
else, so that only the seconds above tell its cost.
The weights at the end have to be the same.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

MODES = {
    "without": "without being watched",
    "watched": "watched",
    "page": "watched, page open",
}


def main() -> None:
    options = _parse()
    if options.child:
        return train_one(options.child, options.run)
    with _home(options.data) as home:
        modes = [mode for mode in MODES if mode != "page" or options.page]
        measured: dict[str, list[dict[str, Any]]] = {mode: [] for mode in modes}
        for round_number in range(options.rounds):
            # Each mode goes first in turn: a machine that warms up favours none.
            turn = round_number % len(modes)
            for mode in modes[turn:] + modes[:turn]:
                measured[mode].append(_trained(home, mode, options))
                print(f"round {round_number + 1}: {mode} {measured[mode][-1]}", flush=True)
    report(measured)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="demo", help="'demo', or the folder of a packed store")
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--patches", type=int, default=40_000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--page", action="store_true", help="measure with the page open too")
    parser.add_argument("--child", choices=["without", "watched"], help=argparse.SUPPRESS)
    parser.add_argument("--run", help=argparse.SUPPRESS)
    return parser.parse_args()


@contextlib.contextmanager
def _home(data: str) -> Iterator[Path]:
    """An IDC_HOME of its own with the data set "bench"."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["IDC_HOME"] = folder
        from idc.files.home import data_dir
        from idc.shipped.demo import pack_demo

        if data == "demo":
            pack_demo("bench", seed=1)  # another seed, so that no recorded runs come with it
        else:
            data_dir().mkdir(parents=True)
            (data_dir() / Path(data).name).symlink_to(Path(data).resolve())
        yield Path(folder)


def _trained(home: Path, mode: str, options: argparse.Namespace) -> dict[str, Any]:
    """Train once; seconds, processor seconds, frames and the weights' checksum."""
    from idc.datasets.store import list_stores
    from idc.launch.start import create_run
    from idc.processes.environment import KEEP_FREED_MEMORY
    from idc.settings.training_config import preset_config

    [data] = list_stores()
    patches = options.patches
    run = create_run(
        preset_config(options.preset, data, epochs=options.epochs, patches=patches, name=mode)
    )
    child = "without" if mode == "without" else "watched"
    with _page(home, run.id) if mode == "page" else contextlib.nullcontext():
        subprocess.run(
            [sys.executable, __file__, "--child", child, "--run", run.id],
            check=True,
            stderr=subprocess.DEVNULL,
            env={**KEEP_FREED_MEMORY, **os.environ},  # as every trainer has it
        )
    return json.loads((run.folder / "bench.json").read_text())


@contextlib.contextmanager
def _page(home: Path, run_id: str) -> Iterator[None]:
    """The app, and a browser that looks at the run."""
    from live_app import chromium, idc_lab

    with idc_lab(home) as (address, _), chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(f"{address}/train?run={run_id}")
        page.get_by_role("button", name="Stop", exact=True).wait_for(timeout=120_000)
        yield


def train_one(mode: str, run_id: str) -> None:
    """In a process of its own: train, and leave what it took in the run's folder."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from idc.runs.run import open_run

    if mode == "without":
        _do_not_watch(loop)
    spent = _timed(loop) if mode == "watched" else [0.0]
    run = open_run(run_id)
    began: list[float] = []

    def told(status: Any) -> None:
        if status.phase == "training" and not began:  # loaded
            began.extend((time.monotonic(), time.process_time()))
        if status.phase == "scoring" and len(began) == 2:
            began.extend((time.monotonic(), time.process_time()))

    with run.trainer_lock():
        loop.train(run, on_status=told)
    slide = run.folder / "slide"
    figures = {
        "seconds": round(began[2] - began[0], 2),
        "cpu_s": round(began[3] - began[1], 2),
        "share": round(sum(spent) / (began[2] - began[0]), 4),
        "frames": len(list(slide.iterdir())) if slide.exists() else 0,
        "weights": run.best()["sha256"][:12],
    }
    (run.folder / "bench.json").write_text(json.dumps(figures))


def _timed(loop: Any) -> list[float]:
    """Seconds spent in each call that serves the watching alone, as they come."""
    spent: list[float] = []

    def timed(function: Any) -> Any:
        def call(*arguments: Any) -> Any:
            began = time.monotonic()
            try:
                return function(*arguments)
            finally:
                spent.append(time.monotonic() - began)

        return call

    for name in ("after_step", "after_epoch"):
        setattr(loop.SlideRecorder, name, timed(getattr(loop.SlideRecorder, name)))
    validation.worst_patches = timed(validation.worst_patches)
    return spent


def _do_not_watch(loop: Any) -> None:
    """The same training without all that this bench is about."""
    from idc.training import objective

    class Blind:
        def __init__(self, *_: Any) -> None: ...
        def begin(self, *_: Any) -> None: ...
        def after_step(self, *_: Any) -> None: ...
        def after_epoch(self, *_: Any) -> None: ...

    loop.SlideRecorder = Blind
    validation.worst_patches = lambda *_: []
    objective.BATCH_SCORES = ("loss", "accuracy")
    unused = {"batch_balanced_accuracy", "batch_roc_auc"}
    every_metric = objective.keras.Model.compile

    def compile_fewer(self: Any, *, metrics: list[Any], **settings: Any) -> None:
        kept = [metric for metric in metrics if metric.name not in unused]
        every_metric(self, metrics=kept, **settings)

    objective.keras.Model.compile = compile_fewer


def report(measured: dict[str, list[dict[str, Any]]]) -> None:
    """Print the table."""
    print(f"{'':<24}{'seconds':>10}{'':>9}{'cpu s':>10}{'':>9}{'spent':>8}{'frames':>8}")
    base = {name: _least(measured["without"], name) for name in ("seconds", "cpu_s")}
    for mode, figures in measured.items():
        row = f"{MODES[mode]:<24}"
        for name in ("seconds", "cpu_s"):
            value = _least(figures, name)
            row += f"{value:>10.1f}{value / base[name] - 1:>+9.1%}"
        row += f"{median(one['share'] for one in figures):>8.1%}"
        print(row + f"{median(one['frames'] for one in figures):>8.0f}")
    weights = {one["weights"] for figures in measured.values() for one in figures}
    print("weights: the same in all" if len(weights) == 1 else f"weights DIFFER: {weights}")


def _least(figures: list[dict[str, Any]], name: str) -> float:
    return min(one[name] for one in figures)


if __name__ == "__main__":
    main()
