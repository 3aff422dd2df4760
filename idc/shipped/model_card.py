"""The bundled model's card: purpose, limits, data, scores, training.

After Mitchell et al. 2019 (arXiv:1810.03993). All scores are computed from the run.
"""

import numpy as np
import pandas as pd

from idc.metrics.calibration import Calibration, calibration_error
from idc.metrics.scores import ScoreReport, evaluate
from idc.runs.run import Run

_LIMITS = """\
## Intended use and limits

For teaching and research: to try IDC Lab on your own patches, and as a reference for other
networks. **Not for diagnosis.**

- It was trained on H&E-stained breast tissue at 4 µm per pixel, cut into patches of 50 × 50 px. At
  another scale, on another stain or organ, or on images without tissue, its predictions are
  meaningless, even where they are confident.
- Its slides come from one public collection. Other collections, scanners and stains were not
  tested.
- A label states whether at least 80 % of a patch lies within a region that a pathologist outlined
  by hand. At the border of a region neither label is exact, and predictions are uncertain.
- The collection does not state which slides belong to one patient. "Unseen" means unseen slides.
- The best epoch, the temperature and the threshold were chosen on the validation cases, so their
  scores are slightly optimistic. No patch of the published test cases was used.
"""

_WARNINGS = """\
## Warnings

`profile.npz` describes the appearance of the training patches, in numbers from which no image can
be reconstructed: the frequency of each of 4,096 colours, mean and covariance of the contrast at
four scales and of the network's 96 features, and seven limits. A patch beyond a limit gets a
warning. The limits were set on patches of the training cases and of every other validation case
(by number, from the second on), so that 1.5 % of them get a warning; the remaining validation
cases test them. To recompute it, and to measure the warning rates on real and foreign patches:

```sh
python -m idc bundle --profile --data NAME
python bench/foreign.py --data NAME
```

Tissue at a lower resolution (more than 4 µm per pixel) looks similar to tissue at the right scale:
most of it gets no warning.
"""


def model_card(
    run: Run, counts: pd.DataFrame, y_true: np.ndarray, y_prob: np.ndarray, calibration: Calibration
) -> str:
    """The card in Markdown.

    Args:
        run: the finished run that became the bundled model.
        counts: of its split, from `idc.datasets.splits.Split.counts`.
        y_true: {0, 1}, shape (n,), of the validation part.
        y_prob: [0, 1], shape (n,), before calibration.
    """
    best, environment = run.best(), run.environment()
    settings = {k: v for k, v in run.config.to_json().items() if k not in ("data", "name")}
    settings["patches"] = settings["patches"] or "all"
    return "\n".join(
        [
            "# Model card: the bundled model",
            "",
            f"A residual network of {best['parameters']:,} parameters (`{run.config.preset}` in "
            "`idc/networks/models.py`) that gives the probability of invasive ductal carcinoma "
            "(IDC) for an H&E patch. This file is written by the command that makes the model:",
            "",
            "```sh",
            "python -m idc bundle --data NAME   # NAME: a packed data set of real patches",
            "```",
            "",
            _LIMITS,
            "## Data",
            "",
            "Patches of the public set Breast Histopathology Images (Kaggle, "
            "`paultimothymooney/breast-histopathology-images`, CC0), by the case lists of "
            "Cruz-Roa et al. 2014 (doi:10.1117/12.2043872) and Janowczyk & Madabhushi 2016 "
            "(doi:10.4103/2153-3539.186902); cases in no list trained too.",
            "",
            "| part | patches | IDC-positive | cases |",
            "|---|---|---|---|",
            *(
                f"| {part} | {row.patches:,} | {row.positive_share:.1%} | {row.cases} |"
                for part, row in counts[counts["patches"] > 0].astype(object).iterrows()
            ),
            "",
            f"## Scores on the {counts['cases']['validation']} validation cases",
            "",
            f"Temperature {calibration.temperature:.3f} (Guo et al. 2017, arXiv:1706.04599) and "
            f"threshold {calibration.threshold:.3f} (highest balanced accuracy) were fitted on "
            "these cases.",
            "",
            *_score_table(y_true, y_prob, calibration),
            "",
            _WARNINGS,
            "## Training",
            "",
            f"{run.status().epoch} epochs, of which epoch {best['epoch']} was kept (highest "
            f"validation ROC AUC); {_minutes(run):.0f} minutes on {environment['device']}, Keras "
            f"{environment['keras']} on {environment['backend']}.",
            "",
            "| setting | value |",
            "|---|---|",
            *(f"| {name} | {value} |" for name, value in settings.items()),
            "",
            f"Weights: `best.weights.h5`, sha256 of the file `{best['sha256']}`, of the model (its "
            f"arrays, whatever file they are in) `{best['model_sha256']}`.",
            "",
        ]
    )


def _score_table(y_true: np.ndarray, y_prob: np.ndarray, calibration: Calibration) -> list[str]:
    calibrated = calibration.apply(y_prob)
    columns = [
        _scores(evaluate(y_true, y_prob, 0.5), calibration_error(y_true, y_prob)),
        _scores(
            evaluate(y_true, calibrated, calibration.threshold),
            calibration_error(y_true, calibrated),
        ),
    ]
    before, after = columns
    return [
        "| | before, threshold 0.5 | after |",
        "|---|---|---|",
        *(f"| {name} | {before[name]:.3f} | {after[name]:.3f} |" for name in before),
    ]


def _scores(report: ScoreReport, error: float) -> dict[str, float]:
    return {
        "ROC AUC": report.roc_auc,
        "balanced accuracy": report.balanced_accuracy,
        "sensitivity": report.sensitivity,
        "specificity": report.specificity,
        "F1 (IDC class)": report.f1,
        "accuracy": report.accuracy,
        "accuracy of always answering 'negative'": report.majority_accuracy,
        "calibration error": error,
        "log loss": report.log_loss,
    }


def _minutes(run: Run) -> float:
    return sum(epoch["seconds"] for epoch in run.log().epochs) / 60
