"""Cost per training step of returning freed memory (see `idc.processes.environment`).

    python bench/page_faults.py [--steps 60] [--rounds 3]

Trains the `fast` network on random patches with the trainer's batches, in new processes that
alternate: with the defaults of the C library, and with `KEEP_FREED_MEMORY`. Prints page faults and
CPU seconds per step, and their ratio. Without glibc both are equal.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from idc.processes.environment import KEEP_FREED_MEMORY


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.steps)))
        return
    variants = {"default": {}, "kept": dict(KEEP_FREED_MEMORY)}
    found: dict[str, list[dict[str, float]]] = {name: [] for name in variants}
    for _ in range(options.rounds):
        for name, variables in variants.items():
            found[name].append(_in_a_fresh_process(options.steps, variables))
            print(name, found[name][-1], flush=True)
    cpu_ms = {name: np.median([each["cpu_ms"] for each in runs]) for name, runs in found.items()}
    faults = {name: np.median([each["faults"] for each in runs]) for name, runs in found.items()}
    for name in variants:
        print(f"{name:<8} {faults[name]:>9,.0f} page faults, {cpu_ms[name]:>6.1f} CPU ms a step")
    print(f"{cpu_ms['default'] / cpu_ms['kept']:.1f} times less CPU time a step")


def _in_a_fresh_process(steps: int, variables: dict[str, str]) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, __file__, "--measure", "--steps", str(steps)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **variables},
    )
    return json.loads(done.stdout.splitlines()[-1])


def measure(steps: int) -> dict[str, float]:
    """Page faults and CPU milliseconds of one step, after some to warm up."""
    from idc.training.batches import TrainingBatches  # isort: skip
    from idc.networks.models import build_model
    from idc.settings.training_config import preset_config
    from idc.training.objective import compile_model

    patches = np.random.default_rng(0).integers(0, 256, (640, 50, 50, 3), np.uint8)
    labels = np.arange(640) % 2
    config = preset_config("fast", "random")

    def batches(count: int) -> TrainingBatches:
        rows = np.arange(count * config.batch_size) % 640
        return TrainingBatches(
            patches,
            labels,
            rows,
            batch_size=config.batch_size,
            augmentation=config.augmentation,
            seed=0,
            epoch=1,
        )

    model = build_model("fast")
    compile_model(model, config, steps)
    model.fit(batches(10), shuffle=False, verbose=0)
    before = resource.getrusage(resource.RUSAGE_SELF)
    model.fit(batches(steps), shuffle=False, verbose=0)
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "faults": (after.ru_minflt - before.ru_minflt) / steps,
        "cpu_ms": round(1000 * cpu_s / steps, 1),
    }


if __name__ == "__main__":
    main()
