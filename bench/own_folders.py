"""From two folders of JPEGs to the first training step.

    python bench/own_folders.py [--pictures 2000] [--side 96]

Writes the pictures of two classes, then measures, each in a process of its own as a user starts it:
the preview, the packing, and a training of the preset `fast` until its log holds the first step.
The time includes the start of Python and of TensorFlow.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cv2
import numpy as np

from idc.files.home import runs_dir
from idc.runs.log import read_log

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 600


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=2000, help="in each folder")
    parser.add_argument("--side", type=int, default=96, help="of the pictures in px")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "pictures"
        write_classes(source, options.pictures, options.side)
        os.environ["IDC_HOME"] = str(Path(folder) / "home")
        pack = ["pack", str(source), "--name", "own", "--positive", "bright"]
        took = {"preview": timed(*pack, "--dry-run"), "packing": timed(*pack)}
        took["first training step"] = until_first_step()
    for what, seconds in took.items():
        print(f"{seconds:>8.1f} s  {what}")
    print(f"{took['packing'] + took['first training step']:>8.1f} s  packing to first step")


def write_classes(folder: Path, count: int, side: int) -> None:
    """Two folders of noisy JPEGs, "dark" and "bright"."""
    rng = np.random.default_rng(0)
    for name, level in (("dark", 0), ("bright", 55)):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            picture = rng.integers(level, level + 200, (side, side, 3), np.uint8)
            cv2.imwrite(str(folder / name / f"{number}.jpg"), picture)


def timed(*words: str) -> float:
    """Seconds of one command."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "idc", *words], cwd=ROOT, check=True, capture_output=True)
    return time.perf_counter() - start


def until_first_step() -> float:
    """Seconds from the start of a training to the first step in its log."""
    words = ["train", "--data", "own", "--preset", "fast", "--protocol", "random", "--epochs", "1"]
    start = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "idc", *words],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        while not first_step() and time.perf_counter() < start + PATIENCE_S:
            if process.poll() is not None:
                raise SystemExit(f"The training ended with code {process.returncode}.")
            time.sleep(0.05)
        seconds = time.perf_counter() - start
        process.terminate()
    return seconds


def first_step() -> bool:
    """Whether the only run has logged a step."""
    runs = list(runs_dir().glob("*/log.jsonl"))
    return any(read_log(run.parent).steps for run in runs)


if __name__ == "__main__":
    main()
