"""How long demo tissue takes to make, and how hard it is to learn.

    python bench/demo_tissue.py [--cases 12] [--seed 0] [--cnn] [--epochs 3]

Prints a table: seconds, patches and positive share of each case, ROC AUC on unseen cases of a
logistic regression that knows only the colours of a patch, and, with --cnn, of the notebook's
network. "Unseen" means that no case has patches in both parts.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from idc.demo_tissue.generate import generate_cases, slide_patches

Pixels = npt.NDArray[np.uint8]  # (n, 50, 50, 3)
Rows = npt.NDArray[np.int64]  # (n,)


def main() -> None:
    arguments = _parse()
    start = time.perf_counter()
    pixels, labels, cases = make_patches(arguments.cases, arguments.seed)
    seconds = time.perf_counter() - start
    print(f"{'case':>8} {'patches':>8} {'positive':>9}")
    for case in np.unique(cases):
        of_case = labels[cases == case]
        print(f"{case:>8} {len(of_case):>8} {of_case.mean():>9.1%}")
    print(f"{'all':>8} {len(labels):>8} {labels.mean():>9.1%}\n")
    print(f"made and cut {arguments.cases} cases: {seconds:.1f} s on {os.cpu_count()} cores")
    print(f"colour alone, unseen cases:      AUC {colour_auc(pixels, labels, cases):.3f}")
    if arguments.cnn:
        auc, seconds = cnn_auc(pixels, labels, cases, arguments.epochs, arguments.seed)
        print(f"notebook's network, {arguments.epochs} epochs:    AUC {auc:.3f} ({seconds:.0f} s)")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=12, help="at least 4")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cnn", action="store_true", help="train the notebook's network (minutes)")
    parser.add_argument("--epochs", type=int, default=3)
    return parser.parse_args()


def make_patches(cases: int, seed: int) -> tuple[Pixels, Rows, Rows]:
    """Pixels, labels and case numbers of all patches of a demo set."""
    patches = [patch for slide in generate_cases(cases, seed) for patch in slide_patches(slide)]
    names, pixels = zip(*patches, strict=True)
    labels = np.array([name.label for name in names])
    return np.stack(pixels), labels, np.array([name.case for name in names])


def colour_auc(pixels: Pixels, labels: Rows, cases: Rows) -> float:
    """Mean and spread of red, green and blue: six numbers a patch, and nothing of its texture."""
    colours = np.concatenate([pixels.mean(axis=(1, 2)), pixels.std(axis=(1, 2))], axis=1)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    folds = GroupKFold(n_splits=4)
    scores = cross_val_predict(
        model, colours, labels, groups=cases, cv=folds, method="predict_proba"
    )
    return float(roc_auc_score(labels, scores[:, 1]))


def cnn_auc(
    pixels: Pixels, labels: Rows, cases: Rows, epochs: int, seed: int
) -> tuple[float, float]:
    """Train the notebook's network on three of four cases. AUC on the others, and seconds."""
    import keras  # several seconds, and only needed here

    from idc.networks.models import build_model

    keras.utils.set_random_seed(seed)
    train, unseen = next(GroupKFold(n_splits=4).split(pixels, labels, cases))
    model = build_model("notebook")
    model.compile(keras.optimizers.Adam(1e-4), "sparse_categorical_crossentropy")
    start = time.perf_counter()
    model.fit(pixels[train], labels[train], batch_size=20, epochs=epochs, verbose=2)
    scores = np.asarray(model.predict(pixels[unseen], batch_size=256, verbose=0))
    return float(roc_auc_score(labels[unseen], scores[:, 1])), time.perf_counter() - start


if __name__ == "__main__":
    main()
