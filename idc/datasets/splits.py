"""Train / validation / test splits: pure functions from a store's index to row numbers.

Four protocols:

- ``case-disjoint`` (the default): no case is in two parts. Neighbouring patches of one slide share
  stain and tissue, so a model that trained on some of them would be scored on known tissue.
- ``published``: the 84 / 29 / 49 cases of Cruz-Roa et al. 2014 and Janowczyk & Madabhushi 2016.
- ``random``: by patch, 70 % for training, as in the notebook. Kept to show how optimistic it is.
- ``as-given``: the parts that the data set brings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from idc.datasets.class_counts import check_class_counts
from idc.datasets.description import KAGGLE_DESCRIPTION, DataDescription
from idc.datasets.full_set import published_cases
from idc.errors import SplitError

PARTS = ("train", "validation", "test")

PROTOCOLS: Mapping[str, str] = {
    "case-disjoint": "By case (default)",
    "published": "Published cases (84 / 29 / 49)",
    "random": "Random by patch (the notebook's)",
    "as-given": "As given by the data set",
}
PROTOCOL_HELP: Mapping[str, str] = {
    "case-disjoint": "70 % of the cases train, 15 % validate, 15 % test. No case is in two parts, "
    "so the scores estimate those on a new case.",
    "published": "The case lists of Cruz-Roa 2014 and Janowczyk & Madabhushi 2016, so that scores "
    "can be compared with published ones.",
    "random": "70 % of the patches train, regardless of their case. The training part holds "
    "neighbours of the scored patches, so the scores flatter.",
    "as-given": "The training, validation and test part that the data set brings. Without a "
    "validation part, 15 % of the training part validate.",
}
UNLISTED = ("ignore", "train")

TRAIN_SHARE = 0.70
VALIDATION_SHARE = 0.15


@dataclass(frozen=True)
class Split:
    """Row numbers of a store, split into parts.

    Attributes:
        train, validation, test: int64, sorted, disjoint. ``test`` may be empty.
        unused: number of drawn rows in no part (cases in no published list).
        left_out: number of rows removed from ``train`` because a reviewer marked them.
    """

    protocol: str
    seed: int
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    unused: int = 0
    left_out: int = 0

    def rows(self, part: str) -> np.ndarray:
        """The rows of one of `PARTS`."""
        return {"train": self.train, "validation": self.validation, "test": self.test}[part]

    def scored_part(self) -> str:
        """The part that is scored: ``test``, or ``validation`` if there is no test case."""
        return "test" if len(self.test) else "validation"

    def counts(self, index: pd.DataFrame) -> pd.DataFrame:
        """One row per part: patches, negative, positive, positive share (nan if empty), cases."""
        table = []
        for part in PARTS:
            chosen = index.iloc[self.rows(part)]
            positive = int(chosen["label"].sum())
            table.append(
                {
                    "part": part,
                    "patches": len(chosen),
                    "negative": len(chosen) - positive,
                    "positive": positive,
                    "positive_share": positive / len(chosen) if len(chosen) else float("nan"),
                    "cases": int(chosen["case"].nunique()),
                }
            )
        return pd.DataFrame(table).set_index("part")


def protocols_for(description: DataDescription) -> tuple[str, ...]:
    """The protocols that a data set allows, the one to prefer first."""
    allowed = {
        "as-given": description.has_parts,
        "case-disjoint": description.has_cases,
        "published": description.is_idc_set,
        "random": True,
    }
    return tuple(protocol for protocol, possible in allowed.items() if possible)


def draw_patches(labels: np.ndarray, count: int | None, seed: int) -> np.ndarray:
    """Draw patches at the same rate from both classes, which keeps the class shares.

    Args:
        labels: {0, 1}, shape (n,).
        count: number to draw; None, or more than there are, for all.
        seed: the same seed draws the same patches.

    Returns:
        int64 row numbers, sorted; exactly ``count``, as IDC-negative takes the rounding error.

    Raises:
        SplitError: ``count`` is below 2.
    """
    if count is not None and count < 2:
        raise SplitError(f"At least 2 patches are needed. Received: {count}")
    if count is None or count >= len(labels):
        return np.arange(len(labels))
    rng = np.random.default_rng(seed)
    positive, negative = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)
    positives = min(round(count * len(positive) / len(labels)), len(positive))
    chosen = [
        rng.choice(negative, min(count - positives, len(negative)), replace=False),
        rng.choice(positive, positives, replace=False),
    ]
    return np.sort(np.concatenate(chosen)).astype(np.int64)


def make_split(
    index: pd.DataFrame,
    protocol: str,
    *,
    seed: int = 0,
    unlisted: str = "ignore",
    patches: int | None = None,
    folds: int = 0,
    fold: int = 0,
    description: DataDescription = KAGGLE_DESCRIPTION,
) -> Split:
    """Split a store's patches into training, validation and test parts.

    Args:
        index: a store's index, columns ``case`` and ``label`` (0/1), one row per patch; also
            ``part`` for the protocol ``as-given``.
        protocol: a key of `PROTOCOLS`.
        seed: the same seed gives the same split.
        unlisted: ``published`` only: "ignore" cases in no list, or add them to "train".
        patches: number of patches to draw, at the same rate from both classes; None for all.
        folds: ``case-disjoint`` only: number of folds of cases; 0 for the shares of 70/15/15.
        fold: the fold, from 1, that is the test part. It holds all patches of its cases, drawn or
            not, so that the folds together predict every patch of the store.
        description: of the data set.

    Raises:
        SplitError: the data set does not allow the protocol, there are too few cases, or a class
            is missing from the training or validation part; the sentence states what to change.
    """
    if protocol not in PROTOCOLS:
        raise SplitError(f"protocol must be one of {', '.join(PROTOCOLS)}. Received: {protocol!r}")
    if unlisted not in UNLISTED:
        raise SplitError(f"unlisted must be 'ignore' or 'train'. Received: {unlisted!r}")
    _check_allowed(protocol, description)
    labels = index["label"].to_numpy()
    drawn = draw_patches(labels, patches, seed)
    cases = index["case"].to_numpy()[drawn]
    all_cases = index["case"].to_numpy()
    check_class_counts(labels, all_cases, protocol, description.class_names)
    if protocol == "random":
        part = _random_parts(len(drawn), seed)
    elif protocol == "as-given":
        part = _given_parts(index["part"].to_numpy()[drawn], cases, seed, description)
    elif folds:
        return _fold_split(index, drawn, seed, folds, fold, description)
    elif protocol == "case-disjoint":
        part = _part_by_case(cases, _deal_cases(np.unique(cases), seed))
    else:
        part = _part_by_case(cases, published_cases())
        if unlisted == "train":
            listed = np.isin(cases, list(frozenset().union(*published_cases().values())))
            part[~listed] = 0
    train, validation, test = (drawn[part == number] for number in range(len(PARTS)))
    split = Split(protocol, seed, train, validation, test, unused=int(np.sum(part < 0)))
    _check_classes(split, labels, description)
    return split


def without_rows(
    split: Split,
    rows: np.ndarray,
    labels: np.ndarray,
    description: DataDescription = KAGGLE_DESCRIPTION,
) -> Split:
    """Remove rows from the training part of a split; the other parts are unchanged.

    Args:
        rows: int64 row numbers; those outside the training part are ignored.
        labels: {0, 1} of the whole store.

    Raises:
        SplitError: the training part then lacks a class.
    """
    kept = split.train[~np.isin(split.train, rows)]
    for label, name in enumerate(description.class_names):
        if label not in labels[kept]:
            raise SplitError(
                f"Without the patches marked as wrongly labelled, the train part holds no {name} "
                "patch. Use more patches, or train with all of them."
            )
    return replace(split, train=kept, left_out=len(split.train) - len(kept))


def redraw_training(
    split: Split,
    index: pd.DataFrame,
    seed: int,
    description: DataDescription = KAGGLE_DESCRIPTION,
) -> Split:
    """Draw as many other training patches; the other parts are unchanged.

    They are drawn at the same rate from both classes among all patches of the training cases;
    in a random or given split, which need no such cases, among all that are not held out.

    Args:
        index: the store's index, as for `make_split`.

    Raises:
        SplitError: the new training part lacks a class.
    """
    labels = index["label"].to_numpy()
    if split.protocol in ("random", "as-given"):
        held_out = np.concatenate([split.validation, split.test])
        pool = np.setdiff1d(np.arange(len(index)), held_out)
    else:
        cases = index["case"].to_numpy()
        pool = np.flatnonzero(np.isin(cases, np.unique(cases[split.train])))
    drawn = pool[draw_patches(labels[pool], len(split.train), seed)]
    redrawn = replace(split, train=drawn)
    _check_classes(redrawn, labels, description)
    return redrawn


def split_note(split: Split, description: DataDescription = KAGGLE_DESCRIPTION) -> str:
    """Warnings about the scores of this split; "" if there are none."""
    notes = []
    if not description.has_cases:
        notes.append(
            "The data do not tell which patches are of one patient: if some are in two parts, "
            "these scores flatter."
        )
    elif split.protocol == "random":
        notes.append(
            "Patches of one case are in several parts: these scores flatter. Compare 'by case'."
        )
    if not len(split.test):
        notes.append("The data holds no case of the test part; the validation part is scored.")
    if split.unused:
        notes.append(f"{split.unused:,} patches of cases in no published list are left out.")
    if split.left_out:
        notes.append(
            f"{split.left_out:,} patches marked as wrongly labelled are left out of training."
        )
    return " ".join(notes)


def _check_allowed(protocol: str, description: DataDescription) -> None:
    allowed = protocols_for(description)
    if protocol in allowed:
        return
    reason = {
        "as-given": "brings no parts of its own",
        "case-disjoint": "does not tell which patches are of one case",
        "published": "is not the IDC data set, for whose cases this split was published",
    }[protocol]
    raise SplitError(
        f"The data set {reason}, so it cannot be split by {protocol!r}; choose "
        f"{' or '.join(map(repr, allowed))}."
    )


def _given_parts(
    given: np.ndarray, cases: np.ndarray, seed: int, description: DataDescription
) -> np.ndarray:
    """The data set's own parts; without a validation part, 15 % of the training part validate.

    Whole cases move, if there are at least two.
    """
    part = given.astype(int)
    training = np.flatnonzero(part == 0)
    if (part == 1).any() or not len(training):
        return part
    rng = np.random.default_rng(seed)
    distinct = np.unique(cases[training])
    if description.has_cases and len(distinct) > 1:
        count = max(1, round(VALIDATION_SHARE * len(distinct)))
        moved = np.isin(cases[training], rng.permutation(distinct)[:count])
        part[training[moved]] = 1
    else:
        part[rng.permutation(training)[: max(1, round(VALIDATION_SHARE * len(training)))]] = 1
    return part


def _random_parts(count: int, seed: int) -> np.ndarray:
    """Part number of each of ``count`` patches: 0 for 70 %, 1 and 2 for half of the rest each."""
    part = np.full(count, 2)
    order = np.random.default_rng(seed).permutation(count)
    first, second = _part_boundaries(count)
    part[order[:first]] = 0
    part[order[first:second]] = 1
    return part


def _deal_cases(cases: np.ndarray, seed: int) -> Mapping[str, frozenset[int]]:
    if len(cases) < len(PARTS):
        raise SplitError(
            f"Splitting by case needs at least 3 cases; there are {len(cases)}. Pack more cases, "
            "or choose the protocol 'random'."
        )
    order = np.random.default_rng(seed).permutation(cases)
    first, second = _part_boundaries(len(cases))
    dealt = np.split(order, [first, second])
    return {part: frozenset(chosen.tolist()) for part, chosen in zip(PARTS, dealt, strict=True)}


def _fold_split(
    index: pd.DataFrame,
    drawn: np.ndarray,
    seed: int,
    folds: int,
    fold: int,
    description: DataDescription,
) -> Split:
    """Test on a fold of cases; train and validate on the drawn patches of the others."""
    cases = index["case"].to_numpy()
    distinct = np.unique(cases)
    # Two folds: at least two cases outside the larger one, for training and for validation.
    min_cases = max(folds, len(PARTS) + 1 if folds == 2 else len(PARTS))
    if len(distinct) < min_cases:
        remedy = "Pack more cases."
        if len(distinct) >= len(PARTS):
            other = "3" if folds == 2 else "fewer"
            remedy = f"Choose {other} folds, or pack more cases."
        raise SplitError(
            f"{folds} folds need at least {min_cases} cases; there are {len(distinct)}. {remedy}"
        )
    order = np.array_split(np.random.default_rng(seed).permutation(distinct), folds)
    others = np.concatenate([order[number] for number in range(folds) if number != fold - 1])
    held_out = max(1, round(len(distinct) * VALIDATION_SHARE))
    # Keep at least one case for training, e.g. with two folds of two cases each.
    held_out = min(held_out, len(others) - 1)
    # The next fold's cases come first, so that each fold has another validation part.
    others = np.roll(others, -sum(map(len, order[: fold - 1])))
    part = np.where(np.isin(cases[drawn], others[:held_out]), 1, 0)
    part[np.isin(cases[drawn], order[fold - 1])] = 2
    split = Split(
        "case-disjoint",
        seed,
        train=drawn[part == 0],
        validation=drawn[part == 1],
        test=np.flatnonzero(np.isin(cases, order[fold - 1])),
    )
    _check_classes(split, index["label"].to_numpy(), description)
    return split


def _part_boundaries(count: int) -> tuple[int, int]:
    """The first position of validation and of test; from 3 items no part is empty."""
    held_out = max(2, round(count * (1 - TRAIN_SHARE)))
    return count - held_out, count - held_out // 2


def _part_by_case(cases: np.ndarray, lists: Mapping[str, frozenset[int]]) -> np.ndarray:
    """Part number of each patch by its case, -1 for a case in no list."""
    part = np.full(len(cases), -1)
    for number, name in enumerate(PARTS):
        part[np.isin(cases, list(lists[name]))] = number
    return part


def _check_classes(split: Split, labels: np.ndarray, description: DataDescription) -> None:
    remedy = {
        "published": "Pack more of the listed cases"
        + (", let unlisted cases join training" if split.unused else "")
        + ", or choose the protocol 'case-disjoint'.",
        "case-disjoint": "Try another seed, use more patches, or pack more cases.",
        "random": "Use more patches or another seed.",
        "as-given": "Choose another split, or pack the data set with other parts.",
    }[split.protocol]
    for part in ("train", "validation"):
        present = np.unique(labels[split.rows(part)])
        for label, name in enumerate(description.class_names):
            if label not in present:
                raise SplitError(f"The {part} part holds no {name} patch. {remedy}")
