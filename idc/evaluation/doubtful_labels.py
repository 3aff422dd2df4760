"""Doubtful labels: where a held-out prediction firmly contradicts the label.

Confident learning (Northcutt, Jiang & Chuang 2021, doi:10.1613/jair.1.12125): a patch is
confidently of a class if its probability of that class reaches the class's threshold, the mean
probability of the class among the patches labelled so. Overconfident and underconfident models
thereby get their own thresholds. A patch is doubtful if it is confidently of the other class and
predicted as such; patches are ranked by the probability of their label, the lowest first.

Implemented here for two classes because importing cleanlab takes seconds; a test compares the
result with cleanlab 2.9 (``filter_by="confident_learning"``, ranked by self-confidence).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from idc.datasets.place import Place
from idc.datasets.store import PatchStore
from idc.errors import LabelError
from idc.evaluation.results import saved_parts, saved_results
from idc.runs.run import Run

_PATCH_KEY = ["case", "x", "y"]

_TOLERANCE = 1e-6  # probabilities are float32; the mean of equal ones must not exceed them


@dataclass(frozen=True)
class HeldOutPredictions:
    """Predictions for patches that the predicting model has not trained on.

    Attributes:
        rows: int64, shape (n,), row numbers in the store, each once.
        y_prob: probability of IDC-positive, float32 [0, 1], shape (n,).
        run_ids: the run of each prediction, str, shape (n,).
    """

    store: PatchStore
    rows: np.ndarray
    y_prob: np.ndarray
    run_ids: np.ndarray

    @cached_property
    def joint(self) -> "ConfidentJoint":
        """Labels against confident predictions.

        Raises:
            LabelError: as `confident_joint`.
        """
        return confident_joint(self.store.labels[self.rows], self.y_prob)

    def table(self) -> pd.DataFrame:
        """The doubtful patches, the most doubtful first.

        Columns ``row``, ``case``, ``x``, ``y``, ``label``, ``probability`` (of IDC-positive),
        ``self_confidence`` (the probability of the label), ``run``.
        """
        labels = self.store.labels[self.rows]
        order = rank_doubtful_labels(labels, self.y_prob, self.joint)
        rows = self.rows[order]
        probability = self.y_prob[order].astype(np.float64)
        return (
            self.store.index.iloc[rows][["case", "x", "y", "label"]]
            .assign(
                row=rows,
                probability=probability,
                self_confidence=np.where(labels[order] == 1, probability, 1 - probability),
                run=self.run_ids[order],
            )
            .reset_index(drop=True)
        )


@dataclass(frozen=True)
class ConfidentJoint:
    """How many patches of each label are confidently of each class.

    Attributes:
        thresholds: mean probability of the labelled class, by label.
        counts: int64, shape (2, 2): row = label, column = the confident class.
        unsure: patches that reach neither threshold.
    """

    thresholds: tuple[float, float]
    counts: np.ndarray
    unsure: int

    def noise_rate(self, label: int) -> float:
        """Estimated share of wrong labels among those of a class; nan when none is confident."""
        confident = int(self.counts[label].sum())
        return int(self.counts[label, 1 - label]) / confident if confident else float("nan")


def confident_joint(labels: np.ndarray, y_prob: np.ndarray) -> ConfidentJoint:
    """Count labels against confident predictions.

    Args:
        labels: {0, 1}, shape (n,).
        y_prob: probability of IDC-positive by models that did not train on the patch, [0, 1],
            shape (n,).

    Raises:
        LabelError: a class is missing, so it has no threshold; or a probability is not a number.
    """
    labels = np.asarray(labels)
    if not np.isfinite(y_prob).all():
        raise LabelError("The run's probabilities are not numbers: its training diverged.")
    if len(np.unique(labels)) < 2:
        raise LabelError("Doubtful labels need held-out patches of both classes.")
    thresholds = _thresholds(labels, y_prob)
    confident = _confident_class(y_prob, thresholds)
    counts = np.array(
        [[int(((labels == i) & (confident == j)).sum()) for j in (0, 1)] for i in (0, 1)]
    )
    return ConfidentJoint(thresholds, counts, unsure=int((confident < 0).sum()))


def rank_doubtful_labels(
    labels: np.ndarray, y_prob: np.ndarray, joint: ConfidentJoint
) -> np.ndarray:
    """Positions of the doubtful patches, the least probable label first.

    The confident class alone is not enough: where positives are rare or the model is
    underconfident, 0.4 may be a confident "positive", yet the prediction at 0.5 contradicts no
    label.
    """
    labels, y_prob = np.asarray(labels), np.asarray(y_prob, np.float64)
    self_confidence = np.where(labels == 1, y_prob, 1 - y_prob)
    doubtful = np.flatnonzero(
        (_confident_class(y_prob, joint.thresholds) == 1 - labels) & (self_confidence < 0.5)
    )
    return doubtful[np.argsort(self_confidence[doubtful], kind="stable")]


def held_out_predictions(runs: Sequence[Run], parts: Sequence[str]) -> HeldOutPredictions:
    """Saved held-out predictions of runs; of several for one row the first run's is used.

    Args:
        runs: at least one, all on one data set.
        parts: parts of their predictions; "test" for folds.

    Raises:
        RunError: a run has no predictions, or its data set was packed again.
        LabelError: there are none in these parts, or no data set here holds the patches.
    """
    results = [
        (run.id, saved_results(run, part))
        for run in runs
        for part in saved_parts(run)
        if part in parts
    ]
    if not results:
        raise LabelError("There are no held-out predictions yet; let the run finish.")
    store = results[0][1].store
    if store is None:
        raise LabelError(
            "No data set here holds the patches that this model was scored on; pack the real "
            "data set."
        )
    table = pd.concat(
        pd.DataFrame({"row": result.rows, "probability": result.y_prob, "run": run_id})
        for run_id, result in results
    )
    table = table.drop_duplicates("row").sort_values("row")
    return HeldOutPredictions(
        store,
        table["row"].to_numpy(),
        table["probability"].to_numpy(),
        table["run"].to_numpy(),
    )


def _thresholds(labels: np.ndarray, y_prob: np.ndarray) -> tuple[float, float]:
    y_prob = np.asarray(y_prob, np.float64)
    return float((1 - y_prob[labels == 0]).mean()), float(y_prob[labels == 1].mean())


def _confident_class(y_prob: np.ndarray, thresholds: tuple[float, float]) -> np.ndarray:
    """The confident class of each patch, {0, 1}; -1 for none, the likelier where both apply."""
    y_prob = np.asarray(y_prob, np.float64)
    negative = 1 - y_prob >= thresholds[0] - _TOLERANCE
    positive = y_prob >= thresholds[1] - _TOLERANCE
    likelier = (y_prob > 0.5).astype(int)
    confident = np.where(positive, 1, np.where(negative, 0, -1))
    return np.where(positive & negative, likelier, confident)


def with_verdicts(doubts: pd.DataFrame, marks: pd.DataFrame, reviewer: str) -> pd.DataFrame:
    """Add a column ``verdict`` to the doubtful patches: the reviewer's own, "" without one.

    Args:
        doubts: columns ``case``, ``x``, ``y``, ``label`` and more, in their order.
        marks: the result of `idc.datasets.label_marks.load_marks`.
    """
    own = marks[marks["reviewer"] == reviewer][[*_PATCH_KEY, "label", "verdict"]]
    joined = doubts.astype(dict.fromkeys([*_PATCH_KEY, "label"], "int64")).merge(
        own, how="left", on=[*_PATCH_KEY, "label"]
    )
    return joined.assign(verdict=joined["verdict"].fillna(""))


def next_unreviewed(reviewed: pd.DataFrame, after: Place | None) -> Place | None:
    """The next patch without a verdict after a place; the search wraps around.

    Args:
        reviewed: the result of `with_verdicts`.
        after: the reviewer's place; one outside the table counts as before the first.

    Returns:
        None when every patch has a verdict.
    """
    places = [
        Place(*map(int, place)) for place in zip(*(reviewed[c] for c in _PATCH_KEY), strict=True)
    ]
    start = places.index(after) + 1 if after in places else 0
    verdicts = reviewed["verdict"].tolist()
    for number in [*range(start, len(places)), *range(start)]:
        if not verdicts[number]:
            return places[number]
    return None
