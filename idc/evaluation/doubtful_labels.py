"""Doubtful labels: where a held-out prediction firmly contradicts the label.

Confident learning (Northcutt, Jiang & Chuang 2021, doi:10.1613/jair.1.12125): a patch counts with a
class when its probability of that class reaches the class's threshold, the mean such probability
of the patches labelled so. An overconfident or a timid model thereby gets thresholds of its own.
Patches that count with the other class, and are predicted as it, are doubtful; the less
probability their own label has, the sooner they are shown.

Written here for two classes, after cleanlab 2.9 (``filter_by="confident_learning"``, ranked by
self-confidence), with which a test compares it: importing cleanlab takes seconds, and what is
needed of it is one screen of arithmetic.
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
    """Answers for patches that the answering model has not trained on.

    Attributes:
        rows: int64, shape (n,), row numbers in the store, each once.
        y_prob: probability of IDC-positive, float32 [0, 1], shape (n,).
        run_ids: which run answered, str, shape (n,).
    """

    store: PatchStore
    rows: np.ndarray
    y_prob: np.ndarray
    run_ids: np.ndarray

    @cached_property
    def joint(self) -> "ConfidentJoint":
        """Labels against what the answers say with confidence.

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
    """How many patches of each label count with each class.

    Attributes:
        thresholds: mean probability of its own class among the patches of each label.
        counts: int64, shape (2, 2): row = label, column = the class that they count with.
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
        LabelError: a class is missing, so it has no threshold; or an answer is not a number.
    """
    labels = np.asarray(labels)
    if not np.isfinite(y_prob).all():
        raise LabelError("The run's answers are not numbers: its training diverged.")
    if len(np.unique(labels)) < 2:
        raise LabelError("Doubtful labels need held-out patches of both classes.")
    thresholds = _thresholds(labels, y_prob)
    counted = _confident_class(y_prob, thresholds)
    counts = np.array(
        [[int(((labels == i) & (counted == j)).sum()) for j in (0, 1)] for i in (0, 1)]
    )
    return ConfidentJoint(thresholds, counts, unsure=int((counted < 0).sum()))


def rank_doubtful_labels(
    labels: np.ndarray, y_prob: np.ndarray, joint: ConfidentJoint
) -> np.ndarray:
    """Positions of the doubtful patches, the least probable label first.

    Counting with the other class is not enough: where positives are rare, or the model is timid,
    0.4 may be a confident "positive", yet it contradicts no label. The prediction has to as well.
    """
    labels, y_prob = np.asarray(labels), np.asarray(y_prob, np.float64)
    self_confidence = np.where(labels == 1, y_prob, 1 - y_prob)
    doubtful = np.flatnonzero(
        (_confident_class(y_prob, joint.thresholds) == 1 - labels) & (self_confidence < 0.5)
    )
    return doubtful[np.argsort(self_confidence[doubtful], kind="stable")]


def held_out_predictions(runs: Sequence[Run], parts: Sequence[str]) -> HeldOutPredictions:
    """Saved predictions of runs as held-out answers; the first run that answers for a row counts.

    Args:
        runs: at least one, all on one data set.
        parts: which parts of their predictions, as "test" alone for folds.

    Raises:
        RunError: a run has no predictions, or its data set was packed anew.
        LabelError: none of them is in these parts, or the patches are in no data set here.
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
            "The patches that this model was scored on are in no data set here; pack the real one."
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
    """The class that each patch counts with, {0, 1}; -1 for none, the likelier of both."""
    y_prob = np.asarray(y_prob, np.float64)
    negative = 1 - y_prob >= thresholds[0] - _TOLERANCE
    positive = y_prob >= thresholds[1] - _TOLERANCE
    likelier = (y_prob > 0.5).astype(int)
    counted = np.where(positive, 1, np.where(negative, 0, -1))
    return np.where(positive & negative, likelier, counted)


def with_verdicts(doubts: pd.DataFrame, marks: pd.DataFrame, reviewer: str) -> pd.DataFrame:
    """The doubtful patches with a column ``verdict``: the reviewer's own, "" where there is none.

    Args:
        doubts: columns ``case``, ``x``, ``y``, ``label`` and more, in their order.
        marks: as `idc.datasets.label_marks.load_marks` gives them.
    """
    self_confidence = marks[marks["reviewer"] == reviewer][[*_PATCH_KEY, "label", "verdict"]]
    joined = doubts.astype(dict.fromkeys([*_PATCH_KEY, "label"], "int64")).merge(
        self_confidence, how="left", on=[*_PATCH_KEY, "label"]
    )
    return joined.assign(verdict=joined["verdict"].fillna(""))


def next_unreviewed(reviewed: pd.DataFrame, after: Place | None) -> Place | None:
    """The next patch without a verdict, from the one after a place on, round to the beginning.

    Args:
        reviewed: as `with_verdicts` gives it.
        after: where the reviewer is; a place that is not in the table counts as before the first.

    Returns:
        None when all have one.
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
