"""How long the bootstrap over cases takes: all ten scores of 51,439 patches of 49 cases.

Ours (sums of each case, weighted) against the naive way (draw cases, put their patches together,
and let scikit-learn score them), timed on some draws and scaled to as many as ours.

    python bench/intervals.py [--patches 51439] [--cases 49] [--naive-draws 20]
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from sklearn import metrics

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from idc.metrics.bootstrap import RESAMPLES, Bootstrap
from idc.metrics.calibration import calibration_error
from idc.metrics.scores import evaluate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patches", type=int, default=51_439)
    parser.add_argument("--cases", type=int, default=49)
    parser.add_argument("--naive-draws", type=int, default=20)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    cases = rng.integers(0, options.cases, options.patches)
    y_true = (rng.random(options.patches) < 0.28).astype(np.int64)
    drift = rng.normal(0, 0.1, options.cases)[cases]
    y_prob = np.clip(rng.normal(0.3 + 0.35 * y_true + drift, 0.2), 0, 1).astype(np.float32)

    began = time.perf_counter()
    bootstrap = Bootstrap(y_true, y_prob, cases)
    ours = bootstrap.intervals(0.5)
    first = time.perf_counter() - began
    began = time.perf_counter()
    bootstrap.intervals(0.4)
    again = time.perf_counter() - began

    began = time.perf_counter()
    areas = [
        naive_draw(y_true, y_prob, cases, options.cases, rng) for _ in range(options.naive_draws)
    ]
    naive = (time.perf_counter() - began) / options.naive_draws * RESAMPLES
    print(f"{options.patches:,} patches of {options.cases} cases, {RESAMPLES:,} draws, ten scores")
    print(f"ours, first threshold     {first:8.2f} s")
    print(f"ours, another threshold   {again:8.3f} s")
    print(f"scikit-learn a draw       {naive:8.2f} s (from {options.naive_draws} draws)")
    auc = ours["roc_auc"]
    print(
        f"ROC AUC {auc.low:.4f} to {auc.high:.4f}; naive draws {min(areas):.4f} to {max(areas):.4f}"
    )


def naive_draw(
    y_true: np.ndarray, y_prob: np.ndarray, cases: np.ndarray, count: int, rng: np.random.Generator
) -> float:
    """Score one draw of cases; the ROC AUC of it."""
    drawn = rng.integers(0, count, count)
    rows = np.concatenate([np.flatnonzero(cases == case) for case in drawn])
    report = evaluate(y_true[rows], y_prob[rows], 0.5)
    metrics.brier_score_loss(y_true[rows], y_prob[rows])
    calibration_error(y_true[rows], y_prob[rows])
    return report.roc_auc


if __name__ == "__main__":
    main()
