import pandas as pd
import pytest

from idc.datasets.full_set import Completeness, completeness, expected_counts, published_cases
from idc.datasets.store import open_store
from idc.ingest.packing import pack


def index_of(*groups):
    """Rows for each (case, label, count)."""
    rows = [(case, label) for case, label, count in groups for _ in range(count)]
    return pd.DataFrame(rows, columns=["case", "label"])


def whole_case(case):
    negative, positive = expected_counts()[case]
    return (case, 0, negative), (case, 1, positive)


def test_full_set_has_the_published_numbers():
    counts = expected_counts().values()

    assert len(counts) == 279
    assert sum(negative for negative, _ in counts) == 198_738
    assert sum(positive for _, positive in counts) == 78_786
    assert sum(map(sum, counts)) == 277_524


def test_published_lists_are_84_29_and_49_cases_without_overlap():
    lists = published_cases()

    assert {part: len(cases) for part, cases in lists.items()} == {
        "train": 84,
        "validation": 29,
        "test": 49,
    }
    assert len(frozenset().union(*lists.values())) == 84 + 29 + 49


def test_160_published_cases_are_in_the_full_set():
    published = frozenset().union(*published_cases().values())

    assert len(published & expected_counts().keys()) == 160
    assert published - expected_counts().keys() == {9024, 8915}


def test_case_is_complete_only_if_both_classes_are():
    negative, positive = expected_counts()[8863]
    index = index_of(*whole_case(8863), (8864, 0, 1))

    assert completeness(index) == Completeness(
        patches=negative + positive + 1,
        expected_patches=277_524,
        complete_cases=1,
        expected_cases=279,
        surplus_cases=(),
    )


def test_case_with_one_missing_patch_is_incomplete():
    negative, positive = expected_counts()[8863]

    found = completeness(index_of((8863, 0, negative), (8863, 1, positive - 1)))

    assert found.sentence() == "978 of 277,524 patches; 0 of 279 cases complete"


def test_surplus_in_one_class_is_reported_despite_a_matching_total():
    negative, positive = expected_counts()[8863]

    found = completeness(index_of((8863, 0, negative + 1), (8863, 1, positive - 1)))

    assert found.surplus_cases == (8863,)
    assert found.sentence() == (
        "979 of 277,524 patches; 0 of 279 cases complete; 1 with more patches than the full set"
    )


def test_cases_outside_the_full_set_do_not_count():
    found = completeness(index_of((90001, 0, 5), (90001, 1, 5)))

    assert found.sentence() == "0 of 277,524 patches; 0 of 279 cases complete"


def test_empty_index_has_no_complete_case():
    assert completeness(index_of()).sentence() == "0 of 277,524 patches; 0 of 279 cases complete"


@pytest.mark.real
@pytest.mark.parametrize(
    ("part", "file"),
    [
        ("train", "cases_train.txt"),
        ("validation", "cases_val.txt"),
        ("test", "cases_test.txt"),
    ],
)
def test_published_lists_equal_those_shipped_with_the_data(real_data, part, file):
    listed = (real_data / file).read_text().split()

    assert published_cases()[part] == frozenset(map(int, listed))


@pytest.mark.real
def test_completeness_of_real_cases(home, real_data):
    report = pack([real_data / "idc_complete_cases.zip"], "real")
    index = open_store("real").index

    assert completeness(index).sentence() == "4,730 of 277,524 patches; 5 of 279 cases complete"
    assert index["label"].value_counts().to_dict() == {0: 4_160, 1: 570}
    assert (report.damaged, report.foreign, report.second_copies) == (0, 0, 0)
