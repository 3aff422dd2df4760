"""A run's saved predictions, joined with the patches that they are about."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from idc.config import split_of
from idc.errors import RunError
from idc.evaluation import CELLS, Report, cell_of, evaluate
from idc.prediction import predict_patches
from idc.runs import Run, check_same_data
from idc.splits import Split
from idc.store import PatchStore, open_store


@dataclass(frozen=True)
class Results:
    """Probabilities and labels of some patches of a store.

    Attributes:
        part: "validation", "test", or "all" for another store.
        rows: int64, shape (n,), row numbers in the store.
        y_true: int8 {0, 1}, shape (n,).
        y_prob: float32 [0, 1], shape (n,).
    """

    store: PatchStore
    part: str
    rows: np.ndarray
    y_true: np.ndarray
    y_prob: np.ndarray

    def report(self, threshold: float = 0.5) -> Report:
        """Scores at a threshold."""
        return evaluate(self.y_true, self.y_prob, threshold)

    def cell(self, name: str, threshold: float = 0.5) -> pd.DataFrame:
        """The patches behind one number of the matrix, the most certain answers first.

        Args:
            name: "tn", "fp", "fn" or "tp".

        Returns:
            columns ``row``, ``case``, ``x``, ``y``, ``label``, ``probability``.
        """
        chosen = np.flatnonzero(cell_of(self.y_true, self.y_prob, threshold) == name)
        surest = -self.y_prob[chosen] if CELLS[name][1] else self.y_prob[chosen]
        chosen = chosen[np.argsort(surest, kind="stable")]
        table = self.store.index.iloc[self.rows[chosen]][["case", "x", "y", "label"]]
        return table.assign(row=self.rows[chosen], probability=self.y_prob[chosen]).reset_index(
            drop=True
        )


def run_split(run: Run, store: PatchStore) -> Split:
    """The split that the run trained with, made again from its settings."""
    return split_of(run.config, store.index)


def saved_parts(run: Run) -> list[str]:
    """The parts with saved predictions, the one to score by first: test, then validation."""
    present = set(run.predictions()["part"])
    return [part for part in ("test", "validation") if part in present]


def saved_results(run: Run, part: str | None = None) -> Results:
    """The predictions that the trainer saved.

    Args:
        part: "test" or "validation"; by default the first that there is.

    Raises:
        RunError: no predictions yet, the part has none, or the data set changed since.
        DataError: the data set is gone.
    """
    store = open_store(run.config.data)
    check_same_data(run, store)
    predictions = run.predictions()
    parts = saved_parts(run)
    part = part or (parts[0] if parts else "test")
    chosen = predictions[predictions["part"] == part]
    if chosen.empty:
        raise RunError(
            f"The run '{run.title}' has no predictions for its {part} part"
            + (f"; it has for: {', '.join(parts)}." if parts else ".")
        )
    rows = chosen["row"].to_numpy()
    return Results(store, part, rows, store.labels[rows], chosen["probability"].to_numpy())


def fresh_results(
    run: Run, store: PatchStore, *, on_progress: Callable[[int, int], None] | None = None
) -> Results:
    """Let the run's best weights answer for all patches of a store.

    Raises:
        PredictionError: the model could not answer.
    """
    y_prob = predict_patches(run, store.patches, on_progress=on_progress)
    return Results(store, "all", np.arange(len(store)), store.labels, y_prob)


def seen_cases(run: Run, store: PatchStore) -> int:
    """How many of a store's cases the run trained on. Scores on them flatter."""
    trained = open_store(run.config.data)
    train_cases = trained.cases[run_split(run, trained).train]
    return int(np.isin(np.unique(store.cases), train_cases).sum())
