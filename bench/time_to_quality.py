"""Quality over training time: the notebook compared with the `fast` preset.

    python bench/time_to_quality.py ZIP... [--notebook-epochs 20] [--seeds 3]

Both train on the same patches, cases of the published validation list held out, on this machine's
CPU. The notebook (`bench/notebook_baseline.py`) is Keras' `fit` on arrays; `fast` runs the whole
trainer, with augmentation, logging, validation and checkpoints. Each runs in its own process, in
alternating order, so that a drift of the machine's speed affects both. Prints the scores on the
held-out cases after each epoch, with wall and CPU seconds spent on epochs.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
PROJECT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(PROJECT), str(PROJECT / "bench")]

_DATA = "bench"
_PREDICT_BATCH = 256


def main() -> None:
    options = _parse()
    if options.contestant == "notebook":
        train_notebook(options.zips, options.notebook_epochs)
    elif options.contestant == "fast":
        train_fast(options.seed)
    elif options.contestant == "predict":
        time_prediction()
    else:
        compare(options.zips, options.notebook_epochs, options.seeds)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("zips", nargs="*", type=Path)
    parser.add_argument("--notebook-epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=3, help="runs of the fast preset")
    parser.add_argument("--contestant", help=argparse.SUPPRESS)  # what a process of ours is for
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


def compare(zips: list[Path], notebook_epochs: int, seeds: int) -> None:
    """Let all contestants run, then print what they reached and how long it took."""
    from idc.ingest.packing import pack

    with tempfile.TemporaryDirectory() as home:
        os.environ["IDC_HOME"] = home
        pack(zips, _DATA)
        zip_words = [str(path.resolve()) for path in zips]
        notebook_words = [*zip_words, "--notebook-epochs", str(notebook_epochs)]
        fast = [_contest("fast", ["--seed", "0"])]
        notebook = _contest("notebook", notebook_words)
        fast += [_contest("fast", ["--seed", str(seed)]) for seed in range(1, seeds)]
        speeds = _contest("predict", [])["lines"][-1]
    _print_curve("notebook", notebook)
    for seed, run in enumerate(fast):
        _print_curve(f"fast, seed {seed}", run)
    _print_verdict(notebook, fast, speeds)


def _contest(name: str, words: list[str]) -> dict:
    """Run one contestant: its JSON lines, and the CPU seconds of its process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, __file__, "--contestant", name, *words], capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    print(f"{name} {' '.join(words[-2:])}: {lines[-1]}, {cpu_s:.0f} CPU s", flush=True)
    return {"lines": lines, "cpu_s": cpu_s}


def train_notebook(zips: list[Path], epochs: int) -> None:
    """The notebook's loop and network, scored after each epoch outside the clock."""
    import keras
    from notebook_baseline import held_out_rows, notebook_network, read_images

    keras.utils.set_random_seed(0)
    with tempfile.TemporaryDirectory() as scratch:
        for path in zips:
            with zipfile.ZipFile(path) as archive:
                archive.extractall(scratch)
        images, labels, cases = read_images(Path(scratch), keep=1.0, seed=0)
    held_out = held_out_rows("published", cases, 0)
    x, y = images[~held_out], keras.utils.to_categorical(labels[~held_out], 2)
    model = notebook_network()
    model.compile(keras.optimizers.Adam(1e-4), "binary_crossentropy", metrics=["accuracy"])
    seconds = 0.0
    for epoch in range(1, epochs + 1):
        began = time.perf_counter()
        model.fit(x, y, batch_size=20, epochs=epoch, initial_epoch=epoch - 1, verbose=0)
        seconds += time.perf_counter() - began
        y_prob = model.predict(images[held_out], batch_size=_PREDICT_BATCH, verbose=0)[:, 1]
        _report(epoch, seconds, labels[held_out], y_prob)


def train_fast(seed: int) -> None:
    """The product's own trainer, as its shell starts it; its epochs' seconds include validation."""
    words = f"--data {_DATA} --preset fast --protocol published --unlisted train --patches all"
    done = subprocess.run(
        [sys.executable, "-m", "idc", "train", *words.split(), "--seed", str(seed)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=PROJECT,
    )
    from idc.runs.run import open_run

    seconds = 0.0
    for entry in open_run(done.stdout.split()[-1]).log().epochs:
        seconds += entry["seconds"]
        scores = {"auc": entry["val_roc_auc"], "balanced_accuracy": entry["val_balanced_accuracy"]}
        print(json.dumps({"epoch": entry["epoch"], "seconds": round(seconds, 1), **scores}))


def time_prediction() -> None:
    """Patches a second of both networks, taking turns in one process; the medians."""
    from idc.networks.models import build_model

    patches = np.random.default_rng(0).integers(0, 256, (_PREDICT_BATCH, 50, 50, 3), np.uint8)
    models = {name: build_model(name) for name in ("notebook", "fast")}
    seconds: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(9):
        for name, model in models.items():
            began = time.perf_counter()
            model.predict_on_batch(patches)
            seconds[name].append(time.perf_counter() - began)
    speeds = {name: _PREDICT_BATCH / np.median(times[1:]) for name, times in seconds.items()}
    parameters = {f"{name}_parameters": model.count_params() for name, model in models.items()}
    print(json.dumps({**speeds, **parameters}))


def _report(epoch: int, seconds: float, y_true: np.ndarray, y_prob: np.ndarray) -> None:
    from idc.metrics.scores import evaluate

    report = evaluate(y_true, y_prob)
    scores = {"auc": report.roc_auc, "balanced_accuracy": report.balanced_accuracy}
    print(json.dumps({"epoch": epoch, "seconds": round(seconds, 1), **scores}), flush=True)


def _print_curve(name: str, run: dict) -> None:
    print(f"\n{name}\n{'epoch':>6}{'seconds':>10}{'ROC AUC':>10}{'balanced accuracy':>20}")
    for line in run["lines"]:
        print(
            f"{line['epoch']:>6}{line['seconds']:>10.1f}{line['auc']:>10.3f}"
            f"{line['balanced_accuracy']:>20.3f}"
        )


def _print_verdict(notebook: dict, fast: list[dict], speeds: dict) -> None:
    last = notebook["lines"][-1]
    best = max(notebook["lines"], key=lambda line: line["auc"])
    print(f"\nnotebook, whole run: AUC {last['auc']:.3f}, bal.acc. {last['balanced_accuracy']:.3f}")
    print(
        f"notebook, best epoch ({best['epoch']}): AUC {best['auc']:.3f}, "
        f"bal.acc. {best['balanced_accuracy']:.3f}"
    )
    for seed, run in enumerate(fast):
        end = run["lines"][-1]
        print(
            f"fast, seed {seed}: AUC {end['auc']:.3f}, bal.acc. {end['balanced_accuracy']:.3f}, "
            f"1/{last['seconds'] / end['seconds']:.0f} of the notebook's seconds, "
            f"1/{notebook['cpu_s'] / run['cpu_s']:.0f} of its process's CPU seconds"
        )
    print(
        f"predicting: {speeds['fast'] / speeds['notebook']:.1f} times the notebook model's patches "
        f"a second; {speeds['fast_parameters']:,} parameters against "
        f"{speeds['notebook_parameters']:,}"
    )


if __name__ == "__main__":
    main()
