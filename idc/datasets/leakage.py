"""Leakage check: how many scored patches of a split resemble patches of the training part.

Four kinds of leakage: a case in two parts; identical pixels in two parts; nearly identical pixels
(other compression, brightness or scale); and patches that touch on the slide, which share stain,
scanner and often a gland.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from idc.datasets.signatures import (
    MIN_CONTRAST,
    Signatures,
    compute_signatures,
    low_frequency_correlation,
    similar_pairs,
)
from idc.datasets.splits import PARTS, Split
from idc.datasets.store import PatchStore
from idc.progress import ProgressCallback

PART_PAIRS = tuple(itertools.combinations(PARTS, 2))
LEAKAGE_KINDS: Mapping[str, str] = {
    "identical": "Identical patches",
    "similar": "Nearly identical patches",
    "adjacent": "Neighbours on the slide",
}
MIN_CORRELATION = 0.95  # copies exceed it, chance pairs of similar hashes do not (bench/leakage.py)

# Right, below and both lower diagonals: each touching pair once.
_NEIGHBOUR_OFFSETS = ((1, 0), (0, 1), (1, 1), (-1, 1))
_CHUNK_SIZE = 4_096


@dataclass(frozen=True)
class LeakageFinding:
    """Pairs of one kind in two parts.

    Attributes:
        kind: a key of `LEAKAGE_KINDS`.
        pairs: int64, shape (n, 2): rows of the store; the first is in the earlier part. Of the
            patches of one part with identical pixels, only the first is in pairs of copies.
        parts: int8, shape (n, 2): their positions in `idc.datasets.splits.PARTS`.
        touched: held-out part -> number of its patches with a partner in the training part;
            here each of several identical patches counts.
    """

    kind: str
    pairs: np.ndarray
    parts: np.ndarray
    touched: Mapping[str, int]

    def counts(self) -> dict[tuple[str, str], int]:
        """Number of pairs in each two parts, in the order of `PART_PAIRS`."""
        return {
            pair: int(np.sum((self.parts == [PARTS.index(part) for part in pair]).all(axis=1)))
            for pair in PART_PAIRS
        }

    def examples(self, count: int, seed: int = 0) -> np.ndarray:
        """A sample of pairs, as sorted positions in `pairs`; with the training part if possible."""
        with_train = np.flatnonzero(self.parts[:, 0] == 0)
        choice = with_train if len(with_train) else np.arange(len(self.pairs))
        rng = np.random.default_rng(seed)
        return np.sort(rng.choice(choice, min(count, len(choice)), replace=False))


@dataclass(frozen=True)
class LeakageReport:
    """The result of a check.

    Attributes:
        sizes: patches of each part.
        shared_cases: number of cases in each two parts.
        findings: `LEAKAGE_KINDS` -> pairs.
        near_uniform: patches with so little contrast (glass, one colour) that they look alike
            without being copies; their identical and similar pairs are not counted.
        uniform_copies: how many of them share their pixels with a patch of another part.
        unknown: what the data set does not tell, so it is unchecked: "cases", "places".
    """

    sizes: Mapping[str, int]
    shared_cases: Mapping[tuple[str, str], int]
    findings: Mapping[str, LeakageFinding]
    near_uniform: int
    uniform_copies: int
    unknown: tuple[str, ...] = ()

    @property
    def leaks(self) -> bool:
        """Whether there is any leakage."""
        return any(self.shared_cases.values()) or any(
            len(finding.pairs) for finding in self.findings.values()
        )

    def table(self) -> pd.DataFrame:
        """One row per kind of leakage, one column per pair of parts ("train – test")."""
        rows = {"Shared cases": self.shared_cases}
        rows |= {LEAKAGE_KINDS[kind]: finding.counts() for kind, finding in self.findings.items()}
        return pd.DataFrame(
            {" – ".join(pair): [counts[pair] for counts in rows.values()] for pair in PART_PAIRS},
            index=list(rows),
        )

    def sentences(self) -> list[str]:
        """One sentence per kind and scored part, or one sentence if there is none. Never empty."""
        sentences = []
        for part in PARTS[1:]:
            size = self.sizes[part]
            for kind, finding in self.findings.items():
                if touched := finding.touched[part]:
                    sentences.append(
                        f"{touched:,} of {size:,} {part} patches ({touched / size:.1%}) "
                        f"{_LEAK_TEXTS[kind]}."
                    )
        return (sentences or [self._no_training_leak()]) + self._unknown_sentence()

    def _unknown_sentence(self) -> list[str]:
        if not self.unknown:
            return []
        hidden = {"cases": "patches of one patient", "places": "neighbours on a slide"}
        return [
            f"The data set does not tell the {' and '.join(self.unknown)} of its patches, so "
            f"{' and '.join(hidden[what] for what in self.unknown)} in two parts cannot be found."
        ]

    def _no_training_leak(self) -> str:
        """The sentence for scored parts without a copy or a neighbour in the training part."""
        if not self.leaks and self.unknown:
            return "No patch has a copy in another part."
        if not self.leaks:
            return (
                "No case is in two parts, and no patch has a copy or a neighbour in another part."
            )
        training = [part for part in PARTS[1:] if self.shared_cases["train", part]]
        shared = "Validation and test share cases, copies or neighbours"
        if training:
            shared = f"The training part shares cases with {' and '.join(training)}"
        return f"{shared}; no held-out patch has a copy or a neighbour in the training part."

    def to_json(self) -> dict[str, Any]:
        """JSON values; pairs of parts are keyed "train-test"."""

        def named(counts: Mapping[tuple[str, str], int]) -> dict[str, int]:
            return {"-".join(pair): count for pair, count in counts.items()}

        return {
            "sizes": dict(self.sizes),
            "shared_cases": named(self.shared_cases),
            **{kind: named(finding.counts()) for kind, finding in self.findings.items()},
            "touched_by_training": {
                kind: {part: finding.touched[part] for part in PARTS[1:]}
                for kind, finding in self.findings.items()
            },
            "near_uniform": self.near_uniform,
            "uniform_copies": self.uniform_copies,
            "leaks": self.leaks,
            "unknown": list(self.unknown),
        }


_LEAK_TEXTS = {
    "identical": "have the same pixels as a training patch",
    "similar": "are nearly identical to a training patch",
    "adjacent": "touch a training patch on the slide",
}


def check_leakage(
    store: PatchStore, split: Split, *, on_progress: ProgressCallback | None = None
) -> LeakageReport:
    """Find shared cases, copies and neighbours in different parts of a split.

    Reads the pixels of the split once, in chunks of a few thousand patches.

    Args:
        on_progress: called with (patches done, patches in all).
    """
    rows = np.concatenate([split.rows(part) for part in PARTS]).astype(np.int64)
    part = np.repeat(np.arange(len(PARTS), dtype=np.int8), [len(split.rows(p)) for p in PARTS])
    signed = compute_signatures(store.patches, rows, on_progress=on_progress)
    index, about = store.index.iloc[rows], store.description
    each = np.arange(len(rows))
    known = {"cases": about.has_cases, "places": about.has_places}
    adjacent = np.empty((0, 2), np.int64)
    if about.has_places:
        adjacent = adjacent_pairs(index, part, about.side_px)
    found = {
        "identical": (_identical_pairs(signed, part), signed.content_ids),
        "similar": (_near_identical_pairs(store, rows, signed, part), signed.content_ids),
        "adjacent": (adjacent, each),
    }
    return LeakageReport(
        sizes={name: len(split.rows(name)) for name in PARTS},
        shared_cases=_shared_cases(index["case"].to_numpy(), part, known=about.has_cases),
        findings={
            kind: _to_finding(kind, pairs, rows, part, alike)
            for kind, (pairs, alike) in found.items()
        },
        near_uniform=int(signed.near_uniform.sum()),
        uniform_copies=_uniform_copies(signed, part),
        unknown=tuple(what for what, is_known in known.items() if not is_known),
    )


def adjacent_pairs(index: pd.DataFrame, part: np.ndarray, side_px: int) -> np.ndarray:
    """Patches of different parts that share an edge or a corner on their slide.

    Args:
        index: columns ``case``, ``x``, ``y``, n rows.
        part: int, shape (n,).
        side_px: distance of two neighbours.

    Returns:
        int64, shape (pairs, 2): positions in the index.
    """
    places = index[["case", "x", "y"]].astype("int64").assign(position=np.arange(len(index)))
    found = []
    for right, down in _NEIGHBOUR_OFFSETS:
        moved = places.assign(x=places["x"] - right * side_px, y=places["y"] - down * side_px)
        both = places.merge(moved, on=["case", "x", "y"])
        pairs = both[["position_x", "position_y"]].to_numpy()
        found.append(pairs[part[pairs[:, 0]] != part[pairs[:, 1]]])
    return np.concatenate(found)


def _identical_pairs(signed: Signatures, part: np.ndarray) -> np.ndarray:
    """Pairs of the same pixels in two parts: the first of each content in each part.

    Copies within a part count once: all their pairs would be far too many.
    """
    firsts = _unique_per_part(signed, part, ~signed.near_uniform)
    pairs = firsts.merge(firsts, on="content")
    pairs = pairs[pairs["part_x"] < pairs["part_y"]]
    return pairs[["position_x", "position_y"]].to_numpy()


def _near_identical_pairs(
    store: PatchStore, rows: np.ndarray, signed: Signatures, part: np.ndarray
) -> np.ndarray:
    chosen = _unique_per_part(signed, part, ~signed.near_uniform)["position"].to_numpy()
    pairs = chosen[similar_pairs(signed.hashes[chosen], part[chosen])]
    pairs = pairs[signed.content_ids[pairs[:, 0]] != signed.content_ids[pairs[:, 1]]]
    kept = [np.empty((0, 2), np.int64)]
    for start in range(
        0, len(pairs), _CHUNK_SIZE
    ):  # similar hashes are candidates; the pixels decide
        some = pairs[start : start + _CHUNK_SIZE]
        alike = low_frequency_correlation(
            store.patches[rows[some[:, 0]]], store.patches[rows[some[:, 1]]]
        )
        kept.append(some[alike >= MIN_CORRELATION])
    return np.concatenate(kept)


def _unique_per_part(signed: Signatures, part: np.ndarray, chosen: np.ndarray) -> pd.DataFrame:
    """The first patch of each content in each part: ``content``, ``part``, ``position``."""
    table = pd.DataFrame(
        {"content": signed.content_ids, "part": part, "position": np.arange(len(part))}
    )
    return table[chosen].drop_duplicates(["content", "part"])


def _uniform_copies(signed: Signatures, part: np.ndarray) -> int:
    table = pd.DataFrame({"content": signed.content_ids, "part": part})[signed.near_uniform]
    return int((table.groupby("content")["part"].transform("nunique") > 1).sum())


def _shared_cases(
    cases: np.ndarray, part: np.ndarray, *, known: bool
) -> dict[tuple[str, str], int]:
    if not known:
        return dict.fromkeys(PART_PAIRS, 0)
    of_part = {name: set(cases[part == number].tolist()) for number, name in enumerate(PARTS)}
    return {(one, other): len(of_part[one] & of_part[other]) for one, other in PART_PAIRS}


def _to_finding(
    kind: str, pairs: np.ndarray, rows: np.ndarray, part: np.ndarray, alike: np.ndarray
) -> LeakageFinding:
    """Turn pairs of positions into a finding.

    Args:
        alike: int64, shape (n,): patches with equal numbers are copies of each other.
    """
    swapped = part[pairs[:, 0]] > part[pairs[:, 1]]
    pairs = np.where(swapped[:, None], pairs[:, ::-1], pairs)
    touched = {}
    for number, name in enumerate(PARTS[1:], 1):
        with_train = (part[pairs[:, 0]] == 0) & (part[pairs[:, 1]] == number)
        of_these = np.isin(alike[part == number], alike[pairs[with_train, 1]])
        touched[name] = int(of_these.sum())
    return LeakageFinding(kind, rows[pairs], part[pairs], touched)


def near_uniform_note(report: LeakageReport) -> str:
    """Which patches the search for copies skips, and why; "" if none."""
    if not report.near_uniform:
        return ""
    return (
        f"{report.near_uniform:,} patches have nearly one colour (standard deviation of the grey "
        f"levels below {MIN_CONTRAST:g}): glass or blank edges look alike without being copies, so "
        "the search for copies skips them"
        + (
            f"; {report.uniform_copies:,} of them share their pixels with a patch of another part."
            if report.uniform_copies
            else "."
        )
    )
