import math

import pandas as pd

from idc.datasets.cases import case_counts, imbalance_note


def index(*counts):
    """(case, negative, positive) -> one row a patch."""
    rows = [
        (case, label)
        for case, negative, positive in counts
        for label, number in ((0, negative), (1, positive))
        for _ in range(number)
    ]
    return pd.DataFrame(rows, columns=["case", "label"])


def test_case_table_counts_each_case_against_the_full_set():
    table = case_counts(index((5, 1, 3), (8863, 772, 207)))

    assert table["case"].tolist() == [5, 8863]
    assert table["patches"].tolist() == [4, 979]
    assert table["negative"].tolist() == [1, 772]
    assert table["positive"].tolist() == [3, 207]
    assert table["share"].tolist() == [0.75, 207 / 979]
    assert math.isnan(table["expected"][0])  # no case of the full set
    assert table["expected"][1] == 979


def test_note_says_how_uneven_the_classes_are():
    note = imbalance_note(case_counts(index((1, 9, 1), (2, 5, 5), (3, 10, 0))))

    assert note.startswith(
        "Of these patches 20.0% are IDC-positive; in single cases it is 0% to 50%. Always "
        "answering 'IDC-negative' would already be right for 80.0%"
    )


def test_note_names_the_commoner_class_whichever_it_is():
    assert "'IDC-positive' would already be right for 75.0%" in imbalance_note(
        case_counts(index((1, 1, 3)))
    )


def test_note_on_real_cases_names_the_share_of_the_full_set():
    note = imbalance_note(case_counts(index((8863, 4, 6))))

    assert note.startswith("Of these patches 60.0% are IDC-positive (of the full set 28.4%); in")
