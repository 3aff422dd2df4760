from dataclasses import replace

import numpy as np
import pytest

from idc.datasets.measurements import Measurements
from idc.datasets.patch_filter import (
    PatchColumns,
    PatchFilters,
    can_sort_by,
    full_sort_order,
    matching_rows,
    patch_columns,
    sort_rows,
    sort_values,
)
from idc.datasets.splits import Split
from idc.patches import PatchName
from tests.support.made_patches import store_of

NAN = float("nan")

# row          0    1    2    3    4    5    6    7
CASE = [3, 3, 3, 5, 5, 8, 8, 8]
LABEL = [0, 1, 0, 1, 1, 0, 0, 1]
EDGE = [1, 0, 0, 0, 1, 0, 0, 0]
PART = [0, 0, 0, 1, 1, 2, 3, 3]  # train, validation, test, unused
TISSUE = [0.0, 0.9, 0.5, 1.0, 0.25, 0.5, 0.75, 0.1]
STAIN = [0.1, 0.3, 0.2, 0.3, 0.4, 0.0, 0.3, 0.2]
PROBABILITY = [NAN, NAN, NAN, 0.9, 0.2, 0.6, NAN, NAN]


@pytest.fixture
def columns():
    return PatchColumns(
        case=np.array(CASE, np.int32),
        label=np.array(LABEL, np.int8),
        edge=np.array(EDGE, bool),
        part=np.array(PART, np.int8),
        probability=np.array(PROBABILITY, np.float32),
        measured=Measurements(
            np.array(TISSUE, np.float32),
            np.array(STAIN, np.float32),
            -np.array(STAIN, np.float32),
        ),
    )


@pytest.mark.parametrize(
    ("filters", "rows"),
    [
        (PatchFilters(), [0, 1, 2, 3, 4, 5, 6, 7]),
        (PatchFilters(cases=(5,)), [3, 4]),
        (PatchFilters(cases=(8, 3)), [0, 1, 2, 5, 6, 7]),
        (PatchFilters(cases=(3, 3)), [0, 1, 2]),
        (PatchFilters(cases=(4,)), []),
        (PatchFilters(cases=(1, 8, 99)), [5, 6, 7]),
        (PatchFilters(label=0), [0, 2, 5, 6]),
        (PatchFilters(label=1), [1, 3, 4, 7]),
        (PatchFilters(part="validation"), [3, 4]),
        (PatchFilters(part="unused"), [6, 7]),
        (PatchFilters(edge=True), [0, 4]),
        (PatchFilters(edge=False), [1, 2, 3, 5, 6, 7]),
        (PatchFilters(tissue=(50, 100)), [1, 2, 3, 5, 6]),
        (PatchFilters(tissue=(25, 75)), [2, 4, 5, 6]),
        (PatchFilters(tissue=(0, 0)), [0]),
        (PatchFilters(cases=(3, 8), label=0, edge=False, tissue=(50, 100)), [2, 5, 6]),
    ],
)
def test_rows_that_pass_the_filters(columns, filters, rows):
    found = matching_rows(columns, filters)

    assert found.tolist() == rows
    assert found.dtype == np.int32


def test_filter_on_a_missing_column_accepts_every_patch(columns):
    bare = PatchColumns(columns.case, columns.label, columns.edge)

    assert len(matching_rows(bare, PatchFilters(part="test", tissue=(50, 100)))) == 8


@pytest.mark.parametrize(
    ("sort", "descending", "rows"),
    [
        ("case", False, [0, 1, 2, 3, 4, 5, 6, 7]),
        ("case", True, [7, 6, 5, 4, 3, 2, 1, 0]),
        ("stain", True, [4, 1, 3, 6, 2, 7, 0, 5]),
        ("stain", False, [5, 0, 2, 7, 1, 3, 6, 4]),
        ("haematoxylin", True, [5, 0, 2, 7, 1, 3, 6, 4]),
        ("tissue", True, [3, 1, 6, 2, 5, 4, 7, 0]),
        ("probability", True, [3, 5, 4, 0, 1, 2, 6, 7]),
        ("probability", False, [4, 5, 3, 0, 1, 2, 6, 7]),
        ("error", True, [4, 5, 3, 0, 1, 2, 6, 7]),  # errors 0.8, 0.6, 0.1
        ("doubt", True, [5, 4, 3, 0, 1, 2, 6, 7]),  # 0.1, 0.3, 0.4 from the threshold
        ("doubt", False, [3, 4, 5, 0, 1, 2, 6, 7]),
    ],
)
def test_sort_is_stable_and_puts_unknown_values_last(columns, sort, descending, rows):
    assert full_sort_order(columns, sort, descending).tolist() == rows


def test_doubt_is_highest_at_the_threshold(columns):
    rows = np.array([3, 4, 5])

    assert sort_values(columns, "doubt", rows) == pytest.approx([-0.4, -0.3, -0.1])
    strict = replace(columns, threshold=0.2)
    assert sort_values(strict, "doubt", rows) == pytest.approx([-0.7, 0, -0.4])


def test_sort_by_a_missing_column_keeps_the_stores_order(columns):
    bare = replace(columns, probability=None, measured=None)

    for sort in ("stain", "error"):
        assert not can_sort_by(bare, sort)
        assert sort_values(bare, sort, slice(None)) is None
        assert full_sort_order(bare, sort, True).tolist() == list(range(8))
    assert can_sort_by(bare, "case")


@pytest.mark.parametrize("sort", ["case", "stain", "probability", "error", "doubt"])
@pytest.mark.parametrize("descending", [False, True])
def test_few_and_many_rows_are_sorted_equally(sort, descending):
    rng = np.random.default_rng(0)
    n = 2_000
    probability = rng.random(n).astype(np.float32)
    probability[rng.random(n) < 0.3] = np.nan
    figures = [np.round(rng.random(n), 2).astype(np.float32) for _ in range(3)]  # many ties
    big = PatchColumns(
        case=np.sort(rng.integers(1, 40, n)).astype(np.int32),
        label=rng.integers(0, 2, n).astype(np.int8),
        edge=rng.random(n) < 0.1,
        probability=probability,
        measured=Measurements(*figures),
    )
    order = full_sort_order(big, sort, descending)
    for filters in (
        PatchFilters(),
        PatchFilters(label=1),
        PatchFilters(cases=(7,)),
        PatchFilters(cases=(0,)),
    ):
        rows = matching_rows(big, filters)
        wanted = set(rows.tolist())

        expected = [row for row in order.tolist() if row in wanted]
        assert sort_rows(big, rows, sort, descending, order).tolist() == expected
        assert sort_rows(big, rows, sort, descending, None).tolist() == expected


def test_columns_combine_store_split_and_predictions(home):
    names = [PatchName(case, 1, 1 + 50 * n, n % 2) for case in (3, 5) for n in range(3)]
    store = store_of("small", names, sizes=[(50, 50)] * 4 + [(50, 7), (7, 50)])
    split = Split("random", 0, np.array([0, 1]), np.array([2]), np.array([4]))

    columns = patch_columns(
        store,
        split=split,
        answers=(np.array([2, 4]), np.array([0.5, 0.25], np.float32)),
        threshold=0.4,
    )

    assert columns.cases() == [3, 5]
    assert columns.edge.tolist() == [False, False, False, False, True, True]
    assert columns.part.tolist() == [0, 0, 1, 3, 2, 3]
    assert np.array_equal(
        columns.probability, np.array([NAN, NAN, 0.5, NAN, 0.25, NAN], np.float32), equal_nan=True
    )
    assert (columns.measured, columns.threshold) == (None, 0.4)
