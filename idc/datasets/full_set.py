"""The full data set: patches per case, and the split of published work.

``case_counts.csv`` holds the number of patches of each of the 279 cases of the Kaggle set
(277,524 patches). ``published_split.json`` holds the case lists of Cruz-Roa et al. 2014 and
Janowczyk & Madabhushi 2016.
"""

import csv
import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

_REFERENCE_DIR = Path(__file__).resolve().parent


@functools.cache
def expected_counts() -> Mapping[int, tuple[int, int]]:
    """Case -> (IDC-negative, IDC-positive) patches in the full set, 279 cases."""
    with (_REFERENCE_DIR / "case_counts.csv").open(newline="") as file:
        return {
            int(row["case"]): (int(row["negative"]), int(row["positive"]))
            for row in csv.DictReader(file)
        }


def expected_patches(case: int) -> int | None:
    """Patches of a case in the full set; None for a case outside it."""
    counts = expected_counts().get(case)
    return None if counts is None else sum(counts)


@functools.cache
def published_cases() -> Mapping[str, frozenset[int]]:
    """Part ("train", "validation", "test") -> its published cases (84 / 29 / 49)."""
    lists = json.loads((_REFERENCE_DIR / "published_split.json").read_text())
    return {part: frozenset(lists[part]) for part in ("train", "validation", "test")}


@dataclass(frozen=True)
class Completeness:
    """How much of the full set a store holds. Cases outside the full set do not count."""

    patches: int
    expected_patches: int
    complete_cases: int
    expected_cases: int
    surplus_cases: tuple[int, ...]  # cases of the full set with more patches than it has

    def sentence(self) -> str:
        """For example "4,730 of 277,524 patches; 5 of 279 cases complete"."""
        surplus = len(self.surplus_cases)
        return (
            f"{self.patches:,} of {self.expected_patches:,} patches; "
            f"{self.complete_cases:,} of {self.expected_cases:,} cases complete"
            + (f"; {surplus:,} with more patches than the full set" if surplus else "")
        )


def completeness(index: pd.DataFrame) -> Completeness:
    """Compare a store's index with the full set, per case and class.

    Args:
        index: columns ``case`` and ``label`` (0/1), one row per patch.
    """
    expected = expected_counts()
    totals = index["label"].groupby(index["case"]).agg(["size", "sum"])
    sizes = zip(totals.index.tolist(), totals["size"], totals["sum"], strict=True)
    found = {
        int(case): (int(size - positives), int(positives))
        for case, size, positives in sizes
        if case in expected
    }
    return Completeness(
        patches=sum(sum(counts) for counts in found.values()),
        expected_patches=sum(sum(counts) for counts in expected.values()),
        complete_cases=sum(counts == expected[case] for case, counts in found.items()),
        expected_cases=len(expected),
        surplus_cases=tuple(
            case
            for case, counts in found.items()
            if counts[0] > expected[case][0] or counts[1] > expected[case][1]
        ),
    )
