"""Published results on this data set, with protocol and source, and whether a run's scores are
comparable with them.

Sensitivity and specificity of these results are not known here, so a plot shows a line: all points
of the same balanced accuracy on a ROC plot, of the same F1 on a precision-recall plot.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from idc.datasets.full_set import expected_counts, published_cases
from idc.datasets.store import open_store
from idc.evaluation.results import Results
from idc.runs.run import Run, check_same_data
from idc.runs.split import run_split
from idc.settings.training_config import TrainingConfig

_PUBLISHED_CASES = "published cases (84 / 29 / 49)"


@dataclass(frozen=True)
class PublishedResult:
    """One published result.

    Attributes:
        name: authors and year.
        protocol: how patches were split into parts.
        balanced_accuracy: on its test part, [0, 1]; None where unpublished.
        f1: of the IDC class, [0, 1]; None where unpublished.
        same_cases: whether its test part is that of the published split.
        source: the publication, with DOI.
        url: of the source.
        remark: a caution for the comparison.
    """

    name: str
    protocol: str
    balanced_accuracy: float | None
    f1: float | None
    same_cases: bool
    source: str
    url: str
    remark: str = ""


PUBLISHED = (
    PublishedResult(
        "Cruz-Roa et al. 2014",
        _PUBLISHED_CASES,
        balanced_accuracy=0.842,
        f1=0.718,
        same_cases=True,
        source="Proc. SPIE 9041, doi:10.1117/12.2043872",
        url="https://doi.org/10.1117/12.2043872",
    ),
    PublishedResult(
        "Janowczyk & Madabhushi 2016",
        _PUBLISHED_CASES,
        balanced_accuracy=0.847,
        f1=0.765,
        same_cases=True,
        source="J. Pathol. Inform. 7:29, doi:10.4103/2153-3539.186902",
        url="https://doi.org/10.4103/2153-3539.186902",
    ),
    PublishedResult(
        "Romero et al. 2019",
        _PUBLISHED_CASES,
        balanced_accuracy=0.890,
        f1=None,
        same_cases=True,
        source="IEEE ISBI 2019, doi:10.1109/ISBI.2019.8759410",
        url="https://doi.org/10.1109/ISBI.2019.8759410",
        remark="Its F1 of 0.897 is the average of both classes, weighted by their patches (as its "
        "code at github.com/fperdigon/DeepHistoPathology computes it), not that of the IDC class.",
    ),
    PublishedResult(
        "Notebooks on Kaggle",
        "at random by patch",
        balanced_accuracy=None,
        f1=None,
        same_cases=False,
        source="as claimed by notebooks on the data set's page",
        url="https://www.kaggle.com/datasets/paultimothymooney/breast-histopathology-images",
        remark="They claim 92 to 98 % accuracy. Neighbours of the scored patches were trained on, "
        "so these figures are too high and not comparable.",
    ),
)


def why_not_comparable(
    config: TrainingConfig, part: str, scored: pd.DataFrame, trained: pd.DataFrame | None
) -> list[str]:
    """Why a run's scores are not comparable with the published ones.

    Args:
        config: the run's.
        part: the scored part.
        scored: the scored patches, columns ``case`` and ``label``.
        trained: the same for the patches that the run trained on; None where unknown.

    Returns:
        sentences; empty when they are comparable.
    """
    if config.protocol != "published":
        return [
            "It was not trained and scored on the published cases (protocol "
            f"'{config.protocol}'), so other patches were scored."
        ]
    reasons = []
    if part != "test":
        reasons.append(
            f"The scores are those of the {part} part; the published ones are of the test part."
        )
    else:
        reasons += _incomplete_part("scored", "test", scored)
    if config.unlisted == "train":
        reasons.append("It trained on cases outside the published lists too.")
    if trained is not None:
        reasons += _incomplete_part("trained on", "training", trained)
    return reasons


def iso_balanced_accuracy_line(value: float) -> tuple[np.ndarray, np.ndarray]:
    """The points of a ROC plot with this balanced accuracy: a straight line.

    Returns:
        false positive rates and sensitivities, the two ends, shape (2,) each.
    """
    rates = np.array([max(0.0, 1 - 2 * value), min(1.0, 2 - 2 * value)])
    return rates, 2 * value - 1 + rates


def iso_f1_curve(value: float, points: int = 50) -> tuple[np.ndarray, np.ndarray]:
    """The points of a precision-recall plot with this F1, (0, 1).

    Returns:
        recalls ascending and precisions, shape (points,) each.
    """
    recall = np.linspace(value / (2 - value), 1, points)
    return recall, value * recall / (2 * recall - value)


def _incomplete_part(done: str, part: str, index: pd.DataFrame) -> list[str]:
    """A sentence if patches of the published part are missing."""
    listed = published_cases()["train" if part == "training" else part]
    expected = sum(sum(expected_counts()[case]) for case in listed if case in expected_counts())
    have = int(index["case"].isin(list(listed)).sum())
    if have == expected:
        return []
    return [f"Only {have:,} of the {expected:,} patches of the {part} cases were {done}."]


def why_run_not_comparable(run: Run, results: Results) -> list[str]:
    """Why not, in sentences; empty when they are comparable.

    Args:
        results: the run's own, saved or fresh.
    """
    if results.part == "all":
        return ["All patches of a data set were scored, not the published test part."]
    trained = None
    if not run.bundled:
        store = open_store(run.config.data)
        check_same_data(run, store)
        trained = store.index.iloc[run_split(run, store).train]
    return why_not_comparable(run.config, results.part, results.patches, trained)
