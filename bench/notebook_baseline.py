"""A reimplementation of the notebook: the baseline for speed and quality.

Unzip to disk, glob, a loop of cv2.imread and resize, all pixels in memory unscaled (BGR,
0 to 255), the CNN, Keras' fit in batches of 20. Prints the seconds of each stage and the scores on
the held-out patches after each epoch.

    python bench/notebook_baseline.py ZIP... [--split random|published] [--epochs 20]
"""

import argparse
import os
import sys
import tempfile
import time
import zipfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cv2
import keras
import numpy as np
from keras import layers
from sklearn import metrics

from idc.datasets.full_set import published_cases
from idc.patches import parse_patch_name


class Stages:
    """Prints how long each stage took."""

    def __init__(self) -> None:
        self._since = time.perf_counter()

    def done(self, stage: str) -> float:
        now = time.perf_counter()
        seconds, self._since = now - self._since, now
        print(f"{stage:<44}{seconds:>9.1f} s", flush=True)
        return seconds


def read_images(folder: Path, keep: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The notebook's loop: each image kept with a probability, read, resized, appended."""
    rng = np.random.default_rng(seed)
    images, labels, cases = [], [], []
    for path in sorted(folder.glob("IDC_regular_ps50_idx5/**/*.png")):
        if rng.random() >= keep:
            continue
        name = parse_patch_name(path.name)
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        images.append(cv2.resize(image, (50, 50), interpolation=cv2.INTER_LINEAR))
        labels.append(name.label)
        cases.append(name.case)
    return np.array(images), np.array(labels), np.array(cases)


def notebook_network() -> keras.Model:
    """Layer by layer as in the notebook, fed unscaled BGR."""

    def conv(filters: int) -> layers.Layer:
        return layers.Conv2D(
            filters, 3, padding="same", activation="relu", kernel_initializer="he_uniform"
        )

    def dense(units: int) -> layers.Layer:
        return layers.Dense(units, activation="relu", kernel_initializer="he_uniform")

    norm, drop = layers.BatchNormalization, layers.Dropout
    first = [conv(32), norm(), conv(32), layers.MaxPooling2D(2), norm(), drop(0.3)]
    second = [conv(64), norm(), conv(64), norm(), layers.MaxPooling2D(2), drop(0.3)]
    third = [conv(128), layers.Flatten()]
    head = [dense(128), norm(), dense(64), norm(), dense(64), drop(0.3), dense(24)]
    answer = layers.Dense(2, activation="softmax")
    return keras.Sequential([keras.Input((50, 50, 3)), *first, *second, *third, *head, answer])


def held_out_rows(split: str, cases: np.ndarray, seed: int) -> np.ndarray:
    """bool: the notebook's 30 % of the patches, or the patches of the 29 validation cases."""
    if split == "random":
        return np.random.default_rng(seed).random(len(cases)) < 0.3
    return np.isin(cases, list(published_cases()["validation"]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("zips", nargs="+", type=Path)
    parser.add_argument("--split", choices=("random", "published"), default="published")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--patches", type=int, default=40_000, help="keep about so many")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    keras.utils.set_random_seed(options.seed)

    stages = Stages()
    with tempfile.TemporaryDirectory() as scratch:
        for path in options.zips:
            with zipfile.ZipFile(path) as archive:
                archive.extractall(scratch)
        stages.done("unzip")
        total = len(list(Path(scratch).glob("IDC_regular_ps50_idx5/**/*.png")))
        stages.done(f"glob ({total:,} files)")
        images, labels, cases = read_images(
            Path(scratch), options.patches / max(total, 1), options.seed
        )
        stages.done(f"cv2.imread loop ({len(images):,} patches)")

    held_out = held_out_rows(options.split, cases, options.seed)
    targets = keras.utils.to_categorical(labels, 2)
    x, y, x_test, y_test = (
        images[~held_out],
        targets[~held_out],
        images[held_out],
        labels[held_out],
    )
    print(f"train {x.shape}, held out {x_test.shape}, split {options.split}")
    model = notebook_network()
    model.compile(keras.optimizers.Adam(1e-4), "binary_crossentropy", metrics=["accuracy"])
    steps = -(-len(x) // 20)
    stages.done("split, build, compile")
    for epoch in range(1, options.epochs + 1):
        model.fit(x, y, batch_size=20, epochs=epoch, initial_epoch=epoch - 1, verbose=0)
        seconds = stages.done(f"epoch {epoch}: fit, {steps} steps")
        y_prob = model.predict(x_test, verbose=0)[:, 1]
        stages.done(f"epoch {epoch}: predict {len(x_test):,} patches")
        y_pred = y_prob >= 0.5
        print(
            f"  {1000 * seconds / steps:.0f} ms a step, {len(x) / seconds:.0f} patches/s; "
            f"held out: accuracy {metrics.accuracy_score(y_test, y_pred):.3f}, "
            f"balanced accuracy {metrics.balanced_accuracy_score(y_test, y_pred):.3f}, "
            f"ROC AUC {metrics.roc_auc_score(y_test, y_prob):.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
