"""idc.datasets.splits: folds of cases, and training parts drawn again."""

import numpy as np
import pandas as pd
import pytest

from idc.datasets.splits import PARTS, draw_patches, make_split, redraw_training
from idc.errors import SplitError


def test_folds_together_score_every_patch_once():
    index = pd.DataFrame({"case": np.repeat(np.arange(7), 6), "label": [0, 1] * 21})

    scored = [
        make_split(index, "case-disjoint", seed=5, patches=36, folds=3, fold=fold).test
        for fold in (1, 2, 3)
    ]

    assert sorted(np.concatenate(scored)) == list(range(42))


def test_no_case_is_in_two_parts_of_a_fold():
    index = pd.DataFrame({"case": np.repeat(np.arange(7), 6), "label": [0, 1] * 21})

    for fold in (1, 2, 3):
        split = make_split(index, "case-disjoint", seed=5, folds=3, fold=fold)
        cases = [set(index["case"].to_numpy()[split.rows(part)]) for part in PARTS]
        assert set.union(*cases) == set(range(7))
        assert sum(map(len, cases)) == 7


def test_fold_trains_and_validates_on_drawn_patches_only():
    index = pd.DataFrame({"case": np.repeat(np.arange(5), 10), "label": [0, 1] * 25})
    drawn = draw_patches(index["label"].to_numpy(), 20, 1)

    split = make_split(index, "case-disjoint", seed=1, patches=20, folds=5, fold=2)

    outside = index["case"].to_numpy()[drawn] != index["case"].to_numpy()[split.test[0]]
    assert sorted([*split.train, *split.validation]) == drawn[outside].tolist()


def test_two_folds_of_few_cases_keep_one_training_case():
    index = pd.DataFrame({"case": [1, 1, 2, 2, 3, 3, 4, 4], "label": [0, 1] * 4})

    counts = make_split(index, "case-disjoint", folds=2, fold=1).counts(index)

    assert counts["cases"].to_dict() == {"train": 1, "validation": 1, "test": 2}


def test_more_folds_than_cases_are_refused():
    index = pd.DataFrame({"case": [1, 1, 2, 2, 3, 3, 4, 4], "label": [0, 1] * 4})

    with pytest.raises(SplitError, match="5 folds need at least 5 cases; there are 4"):
        make_split(index, "case-disjoint", folds=5, fold=1)


@pytest.mark.parametrize("fold", [1, 2])
def test_three_cases_allow_three_folds_but_not_two(fold):
    index = pd.DataFrame({"case": [1, 1, 2, 2, 3, 3], "label": [0, 1] * 3})

    with pytest.raises(SplitError) as refused:
        make_split(index, "case-disjoint", folds=2, fold=fold)

    assert str(refused.value) == (
        "2 folds need at least 4 cases; there are 3. Choose 3 folds, or pack more cases."
    )
    counts = make_split(index, "case-disjoint", folds=3, fold=fold).counts(index)
    assert counts["cases"].tolist() == [1, 1, 1]


def test_redrawn_training_part_keeps_cases_and_held_out_parts():
    index = pd.DataFrame({"case": np.repeat(np.arange(10), 20), "label": np.tile([0, 1], 100)})
    split = make_split(index, "case-disjoint", patches=100)

    redrawn = redraw_training(split, index, seed=5)

    assert redrawn.validation is split.validation
    assert redrawn.test is split.test
    assert len(redrawn.train) == len(split.train)
    assert redrawn.train.tolist() != split.train.tolist()
    assert set(index["case"].iloc[redrawn.train]) <= set(index["case"].iloc[split.train])
    assert redraw_training(split, index, seed=5).train.tolist() == redrawn.train.tolist()


def test_random_split_redraws_from_all_rows_not_held_out():
    index = pd.DataFrame({"case": np.zeros(100, int), "label": np.tile([0, 1], 50)})
    split = make_split(index, "random", patches=40)
    held_out = {*split.validation.tolist(), *split.test.tolist()}

    redrawn = redraw_training(split, index, seed=5)

    assert len(redrawn.train) == len(split.train)
    assert not held_out & set(redrawn.train.tolist())
    assert set(redrawn.train.tolist()) - set(split.train.tolist())
