"""Predictions for many files: a table, its confusion matrix, and a CSV file."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from idc.files.spreadsheets import csv_text
from idc.metrics.scores import CONFUSION_CELLS, confusion_cell_names, matrix
from idc.patches import CLASS_NAMES

ORDERS = {
    "place": "as uploaded",
    "name": "by name",
    "label": "by label",
    "y_prob": "by probability",
}


@dataclass(frozen=True)
class FilePredictions:
    """The state of each file in the order of the upload.

    Attributes:
        names: each file's path.
        labels: {0, 1}, -1 if unknown; int8, shape (n,).
        y_prob: probability of IDC-positive, [0, 1], nan if not predicted; float64, shape (n,).
        problems: why a file has no prediction, "" for the others.
        warnings: what was done to the image and why its prediction is unreliable, "" for nothing.
        patches: uint8 RGB, shape (n, 50, 50, 3); black if not predicted.
    """

    names: tuple[str, ...]
    labels: np.ndarray
    y_prob: np.ndarray
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    patches: np.ndarray

    def answered(self) -> np.ndarray:
        """bool, shape (n,)."""
        return ~np.isnan(self.y_prob)

    def labelled(self) -> np.ndarray:
        """bool, shape (n,): has a label and an answer."""
        return self.answered() & (self.labels >= 0)

    def positives(self, threshold: float) -> int:
        """How many are called IDC-positive."""
        return int((self.y_prob.astype(np.float64) >= threshold).sum())

    def matrix(self, threshold: float) -> tuple[tuple[int, int], tuple[int, int]]:
        """The confusion matrix ((tn, fp), (fn, tp)) of those that have a label."""
        has_label = self.labelled()
        return matrix(self.labels[has_label], self.y_prob[has_label], threshold)

    def in_cell(self, cell: str | None, threshold: float) -> np.ndarray:
        """bool, shape (n,): those of one cell of the matrix; of None, all with an answer."""
        if cell is None:
            return self.answered()
        if cell not in CONFUSION_CELLS:
            raise ValueError(f"cell must be one of {list(CONFUSION_CELLS)}. Received: {cell!r}")
        has_label = self.labelled()
        selected = np.zeros(len(self.names), bool)
        selected[has_label] = (
            confusion_cell_names(self.labels[has_label], self.y_prob[has_label], threshold) == cell
        )
        return selected

    def sorted_positions(
        self, where: np.ndarray, by: str, *, descending: bool = False
    ) -> np.ndarray:
        """Indices of the selected files in an order; ties in the order of the upload.

        Args:
            where: bool, shape (n,).
            by: a key of `ORDERS`.

        Returns:
            int64, shape (chosen,).
        """
        places = np.flatnonzero(where)
        names = [self.names[place] for place in places]
        keys = {
            "place": places,
            "name": pd.Series(names, dtype=object).rank(method="dense").to_numpy(),
            "label": self.labels[places],
            "y_prob": self.y_prob[places],
        }[by]
        return places[np.argsort(-keys if descending else keys, kind="stable")]

    def csv(self, threshold: float, model: str, class_names: tuple[str, str] = CLASS_NAMES) -> str:
        """One row per file, including those without a prediction.

        Names are untrusted: none is left that a spreadsheet would execute as a formula.
        """
        predicted = np.where(self.y_prob.astype(np.float64) >= threshold, *reversed(class_names))
        table = pd.DataFrame(
            {
                "file": self.names,
                "label": pd.Series(self.labels, dtype="Int64").where(self.labels >= 0),
                "probability": self.y_prob,
                "prediction": np.where(self.answered(), predicted, ""),
                "threshold": threshold,
                "model": model,
                "warning": self.warnings,
                "problem": self.problems,
            }
        )
        return csv_text(table, float_format="%.6f", line_end="\r\n")
