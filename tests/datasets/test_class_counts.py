"""idc.datasets.class_counts: data that no seed splits is refused without advising one."""

import numpy as np
import pandas as pd
import pytest

from idc.datasets.class_counts import check_class_counts
from idc.datasets.splits import PROTOCOLS, make_split
from idc.errors import SplitError


def refusal(labels, cases, protocol):
    with pytest.raises(SplitError) as refused:
        check_class_counts(np.array(labels), np.array(cases), protocol)
    return str(refused.value)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_one_class_is_named_for_every_protocol(protocol):
    assert refusal([0, 0], [1, 2], protocol) == (
        "The data set holds IDC-negative patches only; training needs at least two of each "
        "class, so pack IDC-positive patches too."
    )
    assert refusal([1], [1], protocol).startswith("The data set holds IDC-positive patches only; ")


def test_single_patch_of_a_class_cannot_be_split_at_random():
    assert refusal([0, 0, 1], [1, 2, 3], "random") == (
        "The data set holds 1 IDC-positive patch, but training and validation need one each; pack "
        "more IDC-positive patches."
    )


def test_class_in_one_case_cannot_be_split_by_case():
    assert refusal([0, 1, 1, 1], [4, 4, 5, 6], "case-disjoint") == (
        "All IDC-negative patches are of one case, but training and validation need a case with "
        "IDC-negative patches each; pack more cases."
    )


def test_two_patches_or_cases_of_each_class_pass():
    check_class_counts(np.array([0, 0, 1, 1]), np.array([1, 1, 1, 1]), "random")
    check_class_counts(np.array([0, 0, 1, 1]), np.array([1, 2, 1, 2]), "case-disjoint")
    check_class_counts(np.array([0, 1]), np.array([1, 1]), "published")


def test_one_class_is_said_before_the_number_of_cases():
    index = pd.DataFrame({"case": [1, 1], "label": [0, 0]})

    for folds in (0, 5):
        with pytest.raises(SplitError, match="holds IDC-negative patches only"):
            make_split(index, "case-disjoint", folds=folds, fold=1)
