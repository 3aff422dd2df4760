"""Draw the ten patches of a round of You against the CNN from data the run has not trained on."""

import hashlib
from dataclasses import dataclass

import numpy as np

from idc.datasets.store import PatchStore
from idc.errors import GameError
from idc.game.rules import draw_patches, positions_of_level
from idc.prediction.predictor import predict_patches
from idc.runs.run import Run, check_same_data
from idc.runs.split import held_out_rows, train_cases

_CANDIDATES_PER_CLASS = 150  # predicted by the model; a level selects among them


@dataclass(frozen=True)
class Round:
    """Ten patches with labels and predictions, which are hidden until the guess.

    Attributes:
        rows: int64, shape (10,), row numbers in the store.
        labels: {0, 1}, shape (10,).
        y_prob: float32 [0, 1], shape (10,), calibrated.
        threshold: the model calls a patch positive at or above this probability.
        check: four hexadecimal digits of patches, labels and weights.
    """

    rows: np.ndarray
    labels: np.ndarray
    y_prob: np.ndarray
    threshold: float
    check: str


def unseen_rows(run: Run, store: PatchStore) -> np.ndarray:
    """Rows of all whole patches of cases that the run has not trained on: int64, sorted.

    Without cases, of all whole patches that it has not trained on.

    Raises:
        GameError: there are none, or the run trained on patches of other classes or size.
        RunError: the data set was packed again since.
    """
    if run.config.data == store.name and not run.bundled:
        check_same_data(run, store)
    description, trained = store.description, run.description()
    if (description.class_names, description.side_px) != (trained.class_names, trained.side_px):
        raise GameError(
            f"The run '{run.title}' has trained on patches of other classes or another size than "
            f"those of the data set '{store.name}'; choose another run or data set."
        )
    rows = held_out_rows(run, store)
    if description.has_cases:
        rows = rows[~np.isin(store.cases[rows], train_cases(run))]
    whole = [store.columns[name][rows] == description.side_px for name in ("height", "width")]
    rows = rows[whole[0] & whole[1]]
    if not len(rows):
        what = "case" if description.has_cases else "patch"
        raise GameError(
            f"The run '{run.title}' has trained on every {what} of the data set '{store.name}', so "
            "no patch is new to it; choose another run or data set."
        )
    return rows


def draw_round(run: Run, store: PatchStore, level: str, seed: int) -> Round:
    """Draw a round; the same arguments, data and weights give the same round.

    Raises:
        GameError: there are no patches for it, or too few.
        RunError: the data set was packed again since.
        PredictionError: the model could not answer.
    """
    rows, rng = unseen_rows(run, store), np.random.default_rng(seed)
    candidates = np.sort(
        np.concatenate([_sample(rng, rows[store.labels[rows] == k]) for k in (0, 1)])
    )
    labels, threshold = store.labels[candidates], run.calibration().threshold
    y_prob = predict_patches(run, store.patches[candidates])
    if not np.isfinite(y_prob).all():
        raise GameError(f"The predictions of '{run.title}' are not numbers: its training diverged.")
    chosen = positions_of_level(labels, y_prob, threshold, level)
    places = np.stack(
        [store.columns[name][candidates[chosen]] for name in ("case", "x", "y")], axis=1
    )
    places = places.astype(np.int64)
    if not store.description.has_places:
        places[:, 0] = np.arange(len(places))  # as if on slides of their own: none are neighbours
    side_px = store.description.side_px
    chosen = chosen[draw_patches(labels[chosen], places, seed, side_px)]
    return Round(
        candidates[chosen],
        labels[chosen],
        y_prob[chosen],
        threshold,
        _checksum(run, store, candidates[chosen]),
    )


def _sample(rng: np.random.Generator, rows: np.ndarray) -> np.ndarray:
    return rng.choice(rows, min(_CANDIDATES_PER_CLASS, len(rows)), replace=False)


def _checksum(run: Run, store: PatchStore, rows: np.ndarray) -> str:
    digest = hashlib.blake2b(str(run.best().get("sha256")).encode(), digest_size=2)
    for name in ("case", "x", "y", "label"):
        digest.update(store.columns[name][rows].astype(np.int64).tobytes())
    return digest.hexdigest()
