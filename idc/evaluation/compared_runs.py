"""Several runs compared on the patches that all of them have scored.

Patches are matched by their place on the slide. Intervals of differences come from a paired
bootstrap over cases: every run is scored on the same draws (see `idc.metrics.bootstrap`).
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from idc.datasets.store import PatchStore, open_store
from idc.errors import RunError
from idc.evaluation.results import saved_parts, saved_results
from idc.metrics.bootstrap import Bootstrap, Difference
from idc.metrics.scores import ScoreReport, evaluate
from idc.metrics.thresholds import threshold_presets
from idc.runs.run import Run
from idc.runs.split import run_split, train_cases

PARTS = {"test": ("test",), "held out": ("test", "validation")}

_PATCH_KEY = ["case", "x", "y", "label"]
_CHUNK = 4_096


@dataclass(frozen=True)
class ComparedRuns:
    """The predictions of two or more runs for the same patches.

    Attributes:
        store: holds the pixels: the first data set available here.
        part: a key of `PARTS`.
        rows: int64, shape (n,), row numbers in the store, ascending.
        y_prob: float32 [0, 1], shape (runs, n).
        scored: how many patches of this part each run has scored.
        pixel_mismatches: patches of the same place and label whose pixels differ between the runs'
            data sets; they are not compared.
        seen_cases: of the compared cases, how many each run trained on with other patches.
        validation_overlap: how many of the compared patches are in each run's validation part.
        training_overlap: [i][j]: patches that run j has scored and run i trained on.
    """

    runs: tuple[Run, ...]
    store: PatchStore
    part: str
    rows: np.ndarray
    y_prob: np.ndarray
    scored: tuple[int, ...]
    pixel_mismatches: int
    seen_cases: tuple[int, ...]
    validation_overlap: tuple[int, ...]
    training_overlap: tuple[tuple[int, ...], ...]

    @property
    def y_true(self) -> np.ndarray:
        """int8 {0, 1}, shape (n,)."""
        return self.store.labels[self.rows]

    @property
    def cases(self) -> np.ndarray:
        """int32, shape (n,): the case of each patch."""
        return self.store.cases[self.rows]

    @cached_property
    def _bootstraps(self) -> list[Bootstrap]:
        return [Bootstrap(self.y_true, y_prob, self.cases) for y_prob in self.y_prob]

    def reports(self, thresholds: Sequence[float]) -> list[ScoreReport]:
        """Scores of each run at its threshold."""
        return [
            evaluate(self.y_true, y_prob, threshold)
            for y_prob, threshold in zip(self.y_prob, thresholds, strict=True)
        ]

    def scores(self, thresholds: Sequence[float]) -> list[dict[str, float]]:
        """Every score of each run, by its name; nan where undefined."""
        return [
            {name: interval.value for name, interval in bootstrap.intervals(threshold).items()}
            for bootstrap, threshold in zip(self._bootstraps, thresholds, strict=True)
        ]

    def differences(self, number: int, thresholds: Sequence[float]) -> dict[str, Difference]:
        """Scores of a run minus the first run's, by name."""
        first, other = self._bootstraps[0], self._bootstraps[number]
        return dict(first.difference(other, thresholds[0], thresholds[number]))

    def disagreements(self, number: int, thresholds: Sequence[float]) -> pd.DataFrame:
        """Patches that a run and the first one classify differently, the largest difference first.

        Columns ``row``, ``case``, ``x``, ``y``, ``label``, ``first`` and ``other`` (probability of
        IDC-positive by either), ``other_is_right``.
        """
        first, other = (self.y_prob[i].astype(np.float64) for i in (0, number))
        predicted = first >= thresholds[0], other >= thresholds[number]
        chosen = np.flatnonzero(predicted[0] != predicted[1])
        chosen = chosen[np.argsort(-np.abs(first - other)[chosen], kind="stable")]
        table = self.store.index.iloc[self.rows[chosen]][_PATCH_KEY]
        return table.assign(
            row=self.rows[chosen],
            first=first[chosen],
            other=other[chosen],
            other_is_right=predicted[1][chosen] == (self.y_true[chosen] == 1),
        ).reset_index(drop=True)

    def notes(self) -> list[str]:
        """Which patches are compared, and which are left out and why, in sentences."""
        titles = [f"'{run.title}'" for run in self.runs]
        cases = len(np.unique(self.cases))
        here = f"{len(self.rows):,} patches of {cases:,} case{'s' if cases > 1 else ''}"
        notes = []
        if set(self.scored) == {len(self.rows)}:
            notes.append(f"All runs have scored the same {here}.")
        else:
            sizes = ", ".join(
                f"{title} {size:,}" for title, size in zip(titles, self.scored, strict=True)
            )
            notes.append(
                f"The runs were scored on different patches ({sizes}); compared are the {here} "
                "that all of them have scored."
            )
        for (i, one), (j, other) in itertools.permutations(enumerate(titles), 2):
            if count := self.training_overlap[i][j]:
                notes.append(
                    f"{one} trained on {count:,} of the patches that {other} is scored on; they "
                    "are left out here."
                )
        if self.pixel_mismatches:
            notes.append(
                f"{self.pixel_mismatches:,} patches have the same place but different pixels in "
                "the runs' data sets; they are left out."
            )
        return notes

    def cautions(self) -> list[str]:
        """Which runs' scores are too high, and why; empty where the comparison is fair."""
        cases = len(np.unique(self.cases))
        notes = [
            f"'{run.title}' trained on other patches of {seen:,} of the {cases:,} compared cases, "
            "so its scores flatter: neighbours share stain and tissue."
            for run, seen in zip(self.runs, self.seen_cases, strict=True)
            if seen
        ]
        return notes + [
            f"'{run.title}' chose its best epoch on {count:,} of these {len(self.rows):,} patches, "
            "so its scores flatter a little."
            for run, count in zip(self.runs, self.validation_overlap, strict=True)
            if count
        ]

    def to_json(self, thresholds: Sequence[float]) -> dict[str, Any]:
        """JSON values; undefined ones are None."""
        return {
            "part": self.part,
            "patches": len(self.rows),
            "cases": len(np.unique(self.cases)),
            "notes": self.notes(),
            "cautions": self.cautions(),
            "runs": [
                {
                    "run": run.id,
                    "threshold": threshold,
                    "scores": {n: None if np.isnan(v) else v for n, v in scores.items()},
                    "confusion_matrix": report.confusion_matrix,
                    "difference_to_first": {
                        name: difference.to_json()
                        for name, difference in self.differences(i, thresholds).items()
                    }
                    if i
                    else None,
                    "disagreements": len(self.disagreements(i, thresholds)) if i else None,
                }
                for i, (run, threshold, scores, report) in enumerate(
                    zip(
                        self.runs,
                        thresholds,
                        self.scores(thresholds),
                        self.reports(thresholds),
                        strict=True,
                    )
                )
            ],
        }


def balanced_thresholds(runs: Sequence[Run]) -> list[float]:
    """Each run's own threshold of the best balanced accuracy on its validation part; else 0.5."""
    found = []
    for run in runs:
        threshold = 0.5
        if "validation" in saved_parts(run):
            results = saved_results(run, "validation")
            for preset in threshold_presets(results.y_true, results.y_prob):
                threshold = preset.threshold if preset.name == "balanced" else threshold
        found.append(threshold)
    return found


def compare_runs(runs: Sequence[Run], part: str | None = None) -> ComparedRuns:
    """Compare the saved predictions of runs.

    Args:
        runs: two or more, each once.
        part: a key of `PARTS`; by default "test", or "held out" where the runs share no test patch.

    Raises:
        RunError: fewer than two runs, or no patch that all of them have scored.
        DataError: a data set is gone.
    """
    if len({run.id for run in runs}) < max(2, len(runs)):
        raise RunError("A comparison needs two or more different runs.")
    if part is None:
        try:
            return _compare(runs, "test")
        except RunError:
            return _compare(runs, "held out")
    return _compare(runs, part)


def _compare(runs: Sequence[Run], part: str) -> ComparedRuns:
    saved = [_saved_predictions(run, part) for run in runs]
    shared, pixel_mismatches = _common_patches(saved)
    if shared.empty:
        raise RunError(
            f"No patch was scored by all of these runs ({part} part), so there is nothing to "
            "compare; choose runs of the same data set with the same split and seed."
        )
    store, rows = _store_and_rows(saved, shared)
    trained = [_training_patches(run) for run in runs]
    cases = shared["case"].unique()
    columns = [f"probability_{number}" for number in range(len(runs))]
    return ComparedRuns(
        tuple(runs),
        store,
        part,
        rows,
        shared[columns].to_numpy(np.float32).T,
        scored=tuple(len(one.table) for one in saved),
        pixel_mismatches=pixel_mismatches,
        seen_cases=tuple(int(np.isin(cases, train_cases(run)).sum()) for run in runs),
        validation_overlap=tuple(
            int(shared[f"validation_{number}"].sum()) for number in range(len(runs))
        ),
        training_overlap=tuple(
            tuple(len(table.merge(one.table[_PATCH_KEY], on=_PATCH_KEY)) for one in saved)
            for table in trained
        ),
    )


@dataclass(frozen=True)
class _SavedPredictions:
    """A run's saved predictions.

    Attributes:
        store: holds the pixels; None if no data set here does.
        table: `_PATCH_KEY`, ``row`` in the store, ``probability`` and whether the patch is of the
            ``validation`` part, one row a patch.
    """

    store: PatchStore | None
    table: pd.DataFrame


def _saved_predictions(run: Run, part: str) -> _SavedPredictions:
    wanted = [name for name in PARTS[part] if name in saved_parts(run)]
    if not wanted:
        raise RunError(f"The run '{run.title}' has no predictions for its {part} part.")
    results = [saved_results(run, name) for name in wanted]
    table = pd.concat(
        result.patches[[*_PATCH_KEY, "row"]]
        .astype("int64")
        .assign(probability=result.y_prob, validation=result.part == "validation")
        for result in results
    )
    return _SavedPredictions(results[0].store, table.reset_index(drop=True))


def _common_patches(saved: Sequence[_SavedPredictions]) -> tuple[pd.DataFrame, int]:
    """The patches that all runs scored: `_PATCH_KEY` and each run's suffixed columns; and the
    number of patches left out because their pixels differ.
    """
    table = _suffix_columns(saved[0].table, 0)
    mismatches = 0
    for number, other in enumerate(saved[1:], 1):
        table = table.merge(_suffix_columns(other.table, number), on=_PATCH_KEY)
        same = _same_pixels(saved[0].store, table["row_0"], other.store, table[f"row_{number}"])
        mismatches += int((~same).sum())
        table = table[same]
    return table.sort_values(["case", "y", "x"]).reset_index(drop=True), mismatches


def _suffix_columns(table: pd.DataFrame, number: int) -> pd.DataFrame:
    return table.rename(
        columns={name: f"{name}_{number}" for name in table if name not in _PATCH_KEY}
    )


def _store_and_rows(
    saved: Sequence[_SavedPredictions], shared: pd.DataFrame
) -> tuple[PatchStore, np.ndarray]:
    """The first available data set, and the shared patches' rows in it."""
    for number, one in enumerate(saved):
        if one.store is not None:
            return one.store, shared[f"row_{number}"].to_numpy()
    raise RunError("No data set here holds the patches of these runs; pack the real data set.")


def _same_pixels(
    one: PatchStore | None, rows: pd.Series, other: PatchStore | None, their_rows: pd.Series
) -> np.ndarray:
    """Whether the pixels are equal, bool, shape (n,). Generated and real cases may share
    numbers."""
    same = np.ones(len(rows), bool)
    if one is None or other is None or one.fingerprint == other.fingerprint:
        return same
    ours, theirs = rows.to_numpy(), their_rows.to_numpy()
    for start in range(0, len(ours), _CHUNK):
        here = slice(start, start + _CHUNK)
        equal = one.patches[ours[here]] == other.patches[theirs[here]]
        same[here] = equal.all(axis=(1, 2, 3))
    return same


def _training_patches(run: Run) -> pd.DataFrame:
    """`_PATCH_KEY` of the patches that a run trained on; empty for the bundled model, of which only
    cases are known."""
    if run.bundled:
        return pd.DataFrame(columns=_PATCH_KEY, dtype="int64")
    store = open_store(run.config.data)
    return store.index.iloc[run_split(run, store).train][_PATCH_KEY].astype("int64")
