"""Filter and sort patches: from columns to row numbers.

Reads no pixels and builds no table. Filters compare whole columns; the index is sorted by case, so
a choice of cases is a few slices of it. The caller selects the rows of the current page.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from idc.datasets.measurements import Measurements
from idc.datasets.splits import PARTS, Split
from idc.datasets.store import PatchStore

UNUSED = "unused"
SPLIT_PARTS = (*PARTS, UNUSED)

# Below one in this many rows, sorting them is faster than selecting them from the full order.
_FULL_ORDER_RATIO = 16


@dataclass(frozen=True)
class PatchColumns:
    """The columns to filter and sort by, each of length n, in the order of the store.

    Attributes:
        case: int32, sorted.
        label: int8 {0, 1}.
        edge: bool, True if smaller than 50x50 px before packing.
        part: int8, index into `SPLIT_PARTS`; None without a run.
        probability: float32 [0, 1], nan without a prediction; None without predictions.
        measured: None until the store is measured.
        threshold: the run's threshold (>= is IDC-positive); doubt is the distance to it.
    """

    case: np.ndarray
    label: np.ndarray
    edge: np.ndarray
    part: np.ndarray | None = None
    probability: np.ndarray | None = None
    measured: Measurements | None = None
    threshold: float = 0.5

    def __len__(self) -> int:
        return len(self.case)

    def cases(self) -> list[int]:
        """The distinct cases, sorted."""
        first = np.flatnonzero(np.diff(self.case, prepend=-1))
        return [int(case) for case in self.case[first]]


@dataclass(frozen=True)
class PatchFilters:
    """Conditions that a patch must all meet. The default accepts every patch.

    Attributes:
        cases: any of these; all when empty.
        label: 0 or 1; both when None.
        part: one of `SPLIT_PARTS`, of the chosen run's split.
        edge: True for edge patches only, False for all others, None for both.
        tissue: minimum and maximum share of tissue, in percent.
    """

    cases: tuple[int, ...] = ()
    label: int | None = None
    part: str | None = None
    edge: bool | None = None
    tissue: tuple[int, int] = (0, 100)

    @property
    def by_tissue(self) -> bool:
        """Whether there is a condition on the tissue share."""
        return self.tissue != (0, 100)


@dataclass(frozen=True)
class SortKey:
    """A sort order of patches.

    Attributes:
        descending: the default direction, which puts the patches of interest first.
        needs: "", "measurements" or "predictions".
    """

    title: str
    descending: bool = False
    needs: str = ""


SORT_KEYS: Mapping[str, SortKey] = {
    "case": SortKey("Case and position"),
    "stain": SortKey("Mean stain", True, "measurements"),
    "haematoxylin": SortKey("Haematoxylin", True, "measurements"),
    "tissue": SortKey("Tissue share", True, "measurements"),
    "probability": SortKey("Probability of IDC", True, "predictions"),
    "error": SortKey("Error", True, "predictions"),
    "doubt": SortKey("Doubt", True, "predictions"),
}
SORT_HELP = (
    "Mean stain is the mean optical density of a patch; haematoxylin is the nuclear stain's share "
    "of it. Error is the distance of a run's probability from the label; doubt is high where the "
    "probability is close to the run's threshold."
)


def patch_columns(
    store: PatchStore,
    *,
    split: Split | None = None,
    answers: tuple[np.ndarray, np.ndarray] | None = None,
    measured: Measurements | None = None,
    threshold: float = 0.5,
) -> PatchColumns:
    """Gather the columns of a store.

    Args:
        split: a run's split of this store.
        answers: (rows, probabilities): a run's predictions for some rows.
    """
    height, width = store.columns["height"], store.columns["width"]
    part = probability = None
    if split is not None:
        part = np.full(len(store), SPLIT_PARTS.index(UNUSED), np.int8)
        for name in PARTS:
            part[split.rows(name)] = SPLIT_PARTS.index(name)
    if answers is not None:
        probability = np.full(len(store), np.nan, np.float32)
        probability[answers[0]] = answers[1]
    edge = np.minimum(height, width) < store.description.side_px
    return PatchColumns(store.cases, store.labels, edge, part, probability, measured, threshold)


def can_sort_by(columns: PatchColumns, sort: str) -> bool:
    """Whether the columns that the sort needs are present."""
    present = {
        "": True,
        "measurements": columns.measured is not None,
        "predictions": columns.probability is not None,
    }
    return present[SORT_KEYS[sort].needs]


def matching_rows(columns: PatchColumns, filters: PatchFilters) -> np.ndarray:
    """The rows that pass all filters.

    A filter on a missing column (no run, not measured) accepts every patch.

    Returns:
        int32, sorted, shape (m,).
    """
    slices = _case_slices(columns.case, filters.cases)
    tests = _active_ranges(columns, filters)
    found = []
    for case_slice in slices:
        keep = np.ones(case_slice.stop - case_slice.start, bool)
        for column, low, high in tests:
            part = column[case_slice]
            keep &= part == low if low == high else (part >= low) & (part <= high)
        found.append(np.flatnonzero(keep).astype(np.int32) + np.int32(case_slice.start))
    return np.concatenate(found) if found else np.empty(0, np.int32)


def sort_values(columns: PatchColumns, sort: str, rows: np.ndarray | slice) -> np.ndarray | None:
    """The values that a sort compares, float32 (nan: unknown); None for the store's order.

    Args:
        rows: the rows to return values for.
    """
    if sort == "case" or not can_sort_by(columns, sort):
        return None
    if SORT_KEYS[sort].needs == "measurements":
        return getattr(columns.measured, sort)[rows]
    assert columns.probability is not None  # checked by `can_sort_by`
    probability = columns.probability[rows]
    if sort == "probability":
        return probability
    if sort == "error":
        return np.abs(columns.label[rows] - probability)
    return -np.abs(probability - np.float32(columns.threshold))


def full_sort_order(columns: PatchColumns, sort: str, descending: bool) -> np.ndarray:
    """All rows in sort order. Worth caching: `sort_rows` reuses it for every filter.

    Rows of equal value stay in the store's order; unknown values come last in both directions.

    Returns:
        int32, shape (n,).
    """
    return _ordered(columns, np.arange(len(columns), dtype=np.int32), sort, descending)


def sort_rows(
    columns: PatchColumns, rows: np.ndarray, sort: str, descending: bool, order: np.ndarray | None
) -> np.ndarray:
    """Sort matching rows.

    Args:
        rows: int32, sorted, of `matching_rows`.
        order: result of `full_sort_order` for the same sort and direction; avoids sorting again.

    Returns:
        int32, the same rows.
    """
    if order is None or len(rows) * _FULL_ORDER_RATIO < len(columns):
        return _ordered(columns, rows, sort, descending)
    if len(rows) == len(columns):
        return order
    chosen = np.zeros(len(columns), bool)
    chosen[rows] = True
    return order[chosen[order]]


def _ordered(columns: PatchColumns, rows: np.ndarray, sort: str, descending: bool) -> np.ndarray:
    values = sort_values(columns, sort, rows)
    if values is None:
        return rows[::-1] if descending and sort == "case" else rows
    return rows[_stable_order(-values if descending else values)]


def _stable_order(values: np.ndarray) -> np.ndarray:
    """``np.argsort(values, kind="stable")`` for float32, nan last, in a fifth of its time.

    The bits of a float, with the sign handled, sort like the float. With the position in the low
    32 bits, one sort of uint64 is a stable argsort, and NumPy's integer sort is very fast.
    """
    bits = (values + np.float32(0)).view(np.uint32)  # + 0 turns -0 into 0: they are equal
    keys = np.where(bits >> 31, ~bits, bits | np.uint32(2**31))
    keys[np.isnan(values)] = 2**32 - 1
    both = keys.astype(np.uint64) << np.uint64(32)
    both |= np.arange(len(values), dtype=np.uint64)
    both.sort()
    return (both & np.uint64(2**32 - 1)).astype(np.int32)


def _case_slices(case: np.ndarray, wanted: tuple[int, ...]) -> list[slice]:
    """The slices of the wanted cases in the sorted column, by bisection."""
    if not wanted:
        return [slice(0, len(case))]
    cases = np.array(sorted(set(wanted)), case.dtype)
    first, last = np.searchsorted(case, cases, "left"), np.searchsorted(case, cases, "right")
    return [slice(int(a), int(b)) for a, b in zip(first, last, strict=True)]


def _active_ranges(
    columns: PatchColumns, filters: PatchFilters
) -> list[tuple[np.ndarray, float, float]]:
    """(column, minimum, maximum) of every filter that is set and whose column is present."""
    tests: list[tuple[np.ndarray, float, float]] = []
    if filters.label is not None:
        tests.append((columns.label, filters.label, filters.label))
    if filters.edge is not None:
        tests.append((columns.edge, filters.edge, filters.edge))
    if filters.part is not None and columns.part is not None:
        number = SPLIT_PARTS.index(filters.part)
        tests.append((columns.part, number, number))
    if filters.by_tissue and columns.measured is not None:
        low, high = filters.tissue
        tests.append((columns.measured.tissue, low / 100, high / 100))
    return tests
