"""Learning rates for large batches: scores of the `fast` preset after its three epochs.

    python bench/large_batches.py ZIP... [--batches 64 256 1024] [--seeds 1]

Trains on four fifths of the published training cases and scores every fifth one, so that neither
validation nor test cases select anything. For each batch size: the preset's rate as it is, and
scaled with the square root of the batch (Krizhevsky 2014, arXiv:1404.5997, for SGD; Malladi et al.
2022, arXiv:2205.10287, for Adam) and in proportion to it (Goyal et al. 2017, arXiv:1706.02677).
"""

import argparse
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

RULES = {"as it is": 0.0, "square root": 0.5, "in proportion": 1.0}
_DATA, _USUAL_BATCH, _USUAL_RATE, _EVERY = "bench", 64, 4e-3, 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("zips", nargs="+", type=Path)
    parser.add_argument("--batches", nargs="+", type=int, default=[64, 256, 1024])
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["IDC_HOME"] = home
        from idc.ingest.packing import pack

        pack(options.zips, _DATA)
        score_on_training_cases()
        print("batch  rule           rate     ROC AUC  balanced accuracy  (each: a seed)")
        for batch in options.batches:
            for rule, power in RULES.items():
                if batch == _USUAL_BATCH and power:
                    continue  # all rules are one there
                rate = _USUAL_RATE * (batch / _USUAL_BATCH) ** power
                last = [trained(batch, rate, seed) for seed in range(options.seeds)]
                aucs = " ".join(f"{entry['val_roc_auc']:.3f}" for entry in last)
                balanced = " ".join(f"{entry['val_balanced_accuracy']:.3f}" for entry in last)
                print(f"{batch:5}  {rule:13}  {rate:.5f}  {aucs}    {balanced}", flush=True)


def score_on_training_cases() -> None:
    """Let trainings hold out every fifth of the training cases instead of the published ones."""
    import idc.training.setup
    from idc.settings.training_config import split_for_config

    def split(config, store, left_out=None):
        whole = split_for_config(config, store, left_out)
        rows = whole.train
        cases = store.cases[rows]
        scored = np.isin(cases, np.unique(cases)[::_EVERY])
        return replace(whole, train=rows[~scored], validation=rows[scored], test=rows[:0])

    idc.training.setup.split_for_config = split


def trained(batch: int, rate: float, seed: int) -> dict[str, float]:
    """The last epoch's entry of a training."""
    from idc.launch.start import create_run
    from idc.settings.training_config import preset_config
    from idc.training.loop import train

    config = preset_config(
        "fast",
        _DATA,
        protocol="published",
        unlisted="train",
        patches=None,
        batch_size=batch,
        learning_rate=rate,
        seed=seed,
    )
    run = create_run(config)
    train(run)
    return run.log().epochs[-1]


if __name__ == "__main__":
    main()
