import math

import pandas as pd

from idc.datasets.cases import case_counts, imbalance_note
from idc.datasets.description import DataDescription


def index(*counts):
    """(case, negative, positive) -> one row per patch."""
    rows = [
        (case, label)
        for case, negative, positive in counts
        for label, number in ((0, negative), (1, positive))
        for _ in range(number)
    ]
    return pd.DataFrame(rows, columns=["case", "label"])


def test_case_counts_compare_each_case_with_the_full_set():
    table = case_counts(index((5, 1, 3), (8863, 772, 207)))

    assert table["case"].tolist() == [5, 8863]
    assert table["patches"].tolist() == [4, 979]
    assert table["negative"].tolist() == [1, 772]
    assert table["positive"].tolist() == [3, 207]
    assert table["share"].tolist() == [0.75, 207 / 979]
    assert math.isnan(table["expected"][0])  # outside the full set
    assert table["expected"][1] == 979


def test_imbalance_note_states_the_class_shares():
    note = imbalance_note(case_counts(index((1, 9, 1), (2, 5, 5), (3, 10, 0))))

    assert note.startswith(
        "20.0% of these patches are IDC-positive; per case the share ranges from 0% to 50%. A "
        "model that always answers 'IDC-negative' is right for 80.0%"
    )


def test_imbalance_note_names_the_majority_class():
    assert "'IDC-positive' is right for 75.0%" in imbalance_note(case_counts(index((1, 1, 3))))


def test_imbalance_note_compares_real_cases_with_the_full_set():
    note = imbalance_note(case_counts(index((8863, 4, 6))))

    assert note.startswith("60.0% of these patches are IDC-positive (full set: 28.4%); per")


def test_other_data_sets_are_not_compared_with_the_full_set():
    cats = DataDescription(32, None, ("cat", "dog"), has_cases=False, has_places=False)
    table = case_counts(index((8863, 4, 6)), cats)

    assert table["expected"].isna().all()
    assert imbalance_note(table, cats).startswith(
        "60.0% of these patches are dog. A model that always answers 'dog' is right for 60.0%"
    )
