"""idc.datasets.splits: which protocols a data set allows, and parts that it brings."""

import numpy as np
import pandas as pd
import pytest

from idc.datasets.description import KAGGLE_DESCRIPTION, DataDescription
from idc.datasets.splits import make_split, protocols_for, split_note
from idc.errors import SplitError

NO_CASES = DataDescription(class_names=("cat", "dog"), has_cases=False, has_places=False)
WITH_PARTS = DataDescription(class_names=("cat", "dog"), has_places=False, has_parts=True)


def index_of(parts, cases=None):
    """Patches of alternating class, one for each part number."""
    labels = np.arange(len(parts)) % 2
    cases = np.zeros(len(parts), int) if cases is None else cases
    return pd.DataFrame({"case": cases, "label": labels, "part": parts})


def test_protocols_depend_on_what_the_data_set_knows():
    assert protocols_for(KAGGLE_DESCRIPTION) == ("case-disjoint", "published", "random")
    assert protocols_for(NO_CASES) == ("random",)
    assert protocols_for(WITH_PARTS) == ("as-given", "case-disjoint", "random")


@pytest.mark.parametrize(
    ("protocol", "sentence"),
    [
        ("as-given", "The data set brings no parts of its own, so it cannot be split by"),
        ("case-disjoint", "The data set does not tell which patches are of one case, so it"),
        ("published", "The data set is not the IDC data set, for whose cases this split"),
    ],
)
def test_protocol_that_the_data_set_does_not_allow_is_refused(protocol, sentence):
    with pytest.raises(SplitError) as refused:
        make_split(index_of([0, 0, 1, 1]), protocol, description=NO_CASES)

    assert str(refused.value).startswith(sentence)
    assert str(refused.value).endswith("choose 'random'.")


def test_given_parts_are_kept():
    split = make_split(index_of([0, 0, 1, 1, 2, 2]), "as-given", description=WITH_PARTS)

    assert (split.train.tolist(), split.validation.tolist(), split.test.tolist()) == (
        [0, 1],
        [2, 3],
        [4, 5],
    )


def test_without_a_given_validation_part_whole_cases_validate():
    index = index_of([0] * 40 + [2] * 2, cases=np.arange(42) // 4)

    split = make_split(index, "as-given", description=WITH_PARTS)

    assert split.test.tolist() == [40, 41]
    cases = index["case"].to_numpy()
    assert len(split.validation) == 8  # 2 of 10 cases
    assert not set(cases[split.validation]) & set(cases[split.train])
    assert len(split.train) == 32


def test_without_cases_single_patches_validate():
    description = DataDescription(class_names=("cat", "dog"), has_cases=False, has_parts=True)

    split = make_split(index_of([0] * 40 + [2] * 2), "as-given", description=description)

    assert (len(split.train), len(split.validation), len(split.test)) == (34, 6, 2)


def test_data_of_one_class_are_refused_without_useless_advice():
    index = pd.DataFrame({"case": [1, 2, 3, 4], "label": [1, 1, 1, 1]})

    with pytest.raises(SplitError) as refused:
        make_split(index, "case-disjoint")

    assert str(refused.value) == (
        "The data set holds IDC-positive patches only; training needs at least two of each class, "
        "so pack IDC-negative patches too."
    )


def test_missing_class_is_named_as_the_data_set_names_it():
    index = pd.DataFrame({"case": [0] * 20, "label": [0] * 19 + [1], "part": [0] * 19 + [2]})

    with pytest.raises(SplitError, match="The train part holds no dog patch"):
        make_split(index, "as-given", description=WITH_PARTS)


def test_note_of_data_without_cases_says_that_scores_may_flatter():
    split = make_split(index_of([0] * 40), "random", description=NO_CASES)

    assert split_note(split, NO_CASES) == (
        "The data do not tell which patches are of one patient: if some are in two parts, these "
        "scores flatter."
    )
