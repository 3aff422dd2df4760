"""A run's saved predictions, joined with their patches."""

import contextlib
from dataclasses import dataclass

import numpy as np
import pandas as pd

from idc.datasets.description import KAGGLE_DESCRIPTION, DataDescription
from idc.datasets.store import PatchStore, list_stores, open_store
from idc.errors import DataError, RunError
from idc.metrics.scores import CONFUSION_CELLS, ScoreReport, confusion_cell_names, evaluate
from idc.prediction.predictor import predict_patches
from idc.progress import ProgressCallback
from idc.runs.run import Run, check_same_data
from idc.runs.split import check_same_kind


@dataclass(frozen=True)
class Results:
    """A model's predictions for some patches, joined with the patches' index rows.

    Attributes:
        part: "validation", "test", or "all" for another store.
        patches: DataFrame, n rows: ``case``, ``x``, ``y``, ``label`` {0, 1}, ``row`` (in the store;
            -1 without one).
        y_prob: float32 [0, 1], shape (n,), calibrated.
        threshold: the model's own: positive from this probability on.
        store: holds the patches' pixels; None for the bundled model while no data set here has all
            its validation patches.
    """

    part: str
    patches: pd.DataFrame
    y_prob: np.ndarray
    threshold: float = 0.5
    store: PatchStore | None = None

    @property
    def description(self) -> DataDescription:
        """What the data set holds; the Kaggle set's without a store."""
        return KAGGLE_DESCRIPTION if self.store is None else self.store.description

    @property
    def class_names(self) -> tuple[str, str]:
        """Names of the negative and the positive class."""
        return self.description.class_names

    @property
    def y_true(self) -> np.ndarray:
        """int8 {0, 1}, shape (n,)."""
        return self.patches["label"].to_numpy()

    @property
    def rows(self) -> np.ndarray:
        """int64, shape (n,), row numbers in the store."""
        return self.patches["row"].to_numpy()

    @property
    def cases(self) -> np.ndarray:
        """int32, shape (n,): the case of each patch."""
        return self.patches["case"].to_numpy()

    def report(self, threshold: float | None = None) -> ScoreReport:
        """Scores at a threshold, by default the model's own."""
        return evaluate(
            self.y_true, self.y_prob, self.threshold if threshold is None else threshold
        )

    def cell(self, name: str, threshold: float | None = None) -> pd.DataFrame:
        """The patches of one cell of the confusion matrix, the most certain first.

        Args:
            name: "tn", "fp", "fn" or "tp".
            threshold: by default the model's own.

        Returns:
            columns ``row``, ``case``, ``x``, ``y``, ``label``, ``probability``.
        """
        threshold = self.threshold if threshold is None else threshold
        chosen = np.flatnonzero(confusion_cell_names(self.y_true, self.y_prob, threshold) == name)
        surest = -self.y_prob[chosen] if CONFUSION_CELLS[name][1] else self.y_prob[chosen]
        chosen = chosen[np.argsort(surest, kind="stable")]
        table = self.patches.iloc[chosen][["case", "x", "y", "label", "row"]]
        return table.assign(probability=self.y_prob[chosen]).reset_index(drop=True)


def results_of(
    store: PatchStore, part: str, rows: np.ndarray, y_prob: np.ndarray, threshold: float = 0.5
) -> Results:
    """Predictions for some rows of a store; arguments as the attributes of `Results`."""
    table = store.index.iloc[rows][["case", "x", "y", "label"]].reset_index(drop=True)
    return Results(part, table.assign(row=np.asarray(rows, np.int64)), y_prob, threshold, store)


def saved_parts(run: Run) -> list[str]:
    """The parts with saved predictions, the one to score by first: test, then validation."""
    present = set(run.predictions()["part"])
    return [part for part in ("test", "validation") if part in present]


def saved_results(run: Run, part: str | None = None) -> Results:
    """The predictions that the trainer saved.

    Args:
        part: "test" or "validation"; by default the first available.

    Raises:
        RunError: no predictions yet, the part has none, or the data set changed since.
        DataError: the data set is gone.
    """
    predictions = run.predictions()
    parts = saved_parts(run)
    part = part or (parts[0] if parts else "test")
    chosen = predictions[predictions["part"] == part].reset_index(drop=True)
    if chosen.empty:
        raise RunError(
            f"The run '{run.title}' has no predictions for its {part} part"
            + (f"; it has for: {', '.join(parts)}." if parts else ".")
        )
    calibration = run.calibration()
    y_prob = calibration.apply(chosen["probability"].to_numpy())
    if run.bundled:
        store, patches = _locate_patches(chosen)
        return Results(part, patches, y_prob, calibration.threshold, store)
    store = open_store(run.config.data)
    check_same_data(run, store)
    return results_of(store, part, chosen["row"].to_numpy(), y_prob, calibration.threshold)


def fresh_results(
    run: Run, store: PatchStore, *, on_progress: ProgressCallback | None = None
) -> Results:
    """Predict all patches of a store by the run's best weights.

    Raises:
        RunError: the run was trained on patches of another kind.
        PredictionError: the model could not predict.
    """
    check_same_kind(run, store)
    y_prob = predict_patches(run, store.patches, on_progress=on_progress)
    return results_of(store, "all", np.arange(len(store)), y_prob, run.calibration().threshold)


def _locate_patches(named: pd.DataFrame) -> tuple[PatchStore | None, pd.DataFrame]:
    """The first data set that holds all these patches, and their rows in it.

    Args:
        named: patches of the real set, columns ``case``, ``x``, ``y`` and ``label``.
    """
    names = ["case", "x", "y", "label"]
    for name in list_stores():
        with contextlib.suppress(DataError):  # a damaged store must not hide the others
            store = open_store(name)
            if not np.isin(named["case"].unique(), store.cases).all():
                continue
            rows = store.index[names].assign(row=np.arange(len(store)))
            found = named[names].merge(rows, how="left", on=names)
            if found["row"].notna().all():
                return store, found.astype({"row": "int64"})
    return None, named[names].assign(row=-1)
