"""idc.datasets.splits: the rows of each part."""

import math

import numpy as np
import pandas as pd
import pytest

from idc.datasets.splits import PARTS, Split, draw_patches, make_split, split_note
from idc.errors import SplitError

# Two cases of each published list, and two outside all lists.
TRAIN, VALIDATION, TEST, UNLISTED = (8865, 8913), (8867, 8914), (8864, 8916), (8863, 8950)


def index_of(*cases, labels=(0, 1)):
    """One patch of each label for each case, in this order."""
    rows = [(case, label) for case in cases for label in labels]
    return pd.DataFrame(rows, columns=["case", "label"])


def cases_of(split, index):
    return {part: set(index["case"].iloc[split.rows(part)]) for part in PARTS}


def rows_of(split):
    return [split.rows(part).tolist() for part in PARTS]


def indicator(positives, negatives):
    return np.array([1] * positives + [0] * negatives)


# By case


def test_split_keeps_each_case_in_one_part():
    index = index_of(11, 22, 33, 44, 55, 66)

    split = make_split(index, "case-disjoint", seed=1)

    parts = cases_of(split, index)
    assert sum(len(cases) for cases in parts.values()) == 6
    assert set.union(*parts.values()) == {11, 22, 33, 44, 55, 66}


def test_every_patch_is_in_exactly_one_part():
    index = index_of(11, 22, 33, 44, 55, 66)

    split = make_split(index, "case-disjoint")

    assert sorted(np.concatenate(rows_of(split)).tolist()) == list(range(12))
    assert split.unused == 0


def test_case_with_scattered_rows_stays_in_one_part():
    # the rows of a case need not be adjacent, as in a store of several sources
    index = pd.DataFrame({"case": [1, 2, 3] * 4, "label": [0, 0, 0, 1, 1, 1] * 2})

    parts = cases_of(make_split(index, "case-disjoint"), index)

    assert sorted(map(sorted, parts.values())) == [[1], [2], [3]]


@pytest.mark.parametrize(
    ("cases", "dealt"),
    [
        (3, (1, 1, 1)),
        (4, (2, 1, 1)),
        (10, (7, 2, 1)),
        (20, (14, 3, 3)),
        (100, (70, 15, 15)),
        (279, (195, 42, 42)),
    ],
)
def test_cases_are_split_70_15_15_without_an_empty_part(cases, dealt):
    index = index_of(*range(cases))

    parts = cases_of(make_split(index, "case-disjoint"), index)

    assert tuple(len(parts[part]) for part in PARTS) == dealt


@pytest.mark.parametrize("protocol", ["case-disjoint", "random"])
def test_same_seed_repeats_the_split(protocol):
    index = index_of(*range(20))

    first = make_split(index, protocol, seed=5, patches=30)
    second = make_split(index, protocol, seed=5, patches=30)

    assert rows_of(first) == rows_of(second)
    assert (first.protocol, first.seed) == (protocol, 5)


@pytest.mark.parametrize("protocol", ["case-disjoint", "random"])
def test_another_seed_gives_another_split(protocol):
    index = index_of(*range(20))

    assert rows_of(make_split(index, protocol, seed=0)) != rows_of(
        make_split(index, protocol, seed=1)
    )


def test_two_cases_are_too_few_to_split_by_case():
    with pytest.raises(SplitError) as refusal:
        make_split(index_of(1, 2), "case-disjoint")

    assert str(refusal.value) == (
        "Splitting by case needs at least 3 cases; there are 2. Pack more cases, or choose the "
        "protocol 'random'."
    )


def test_index_is_not_modified():
    index = index_of(1, 2, 3)
    before = index.copy()

    make_split(index, "case-disjoint", patches=5)

    pd.testing.assert_frame_equal(index, before)


# Published lists


def test_published_cases_follow_the_lists():
    index = index_of(*TRAIN, *VALIDATION, *TEST)

    split = make_split(index, "published")

    assert cases_of(split, index) == {
        "train": set(TRAIN),
        "validation": set(VALIDATION),
        "test": set(TEST),
    }
    assert rows_of(split) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert split_note(split) == ""


def test_seed_does_not_move_published_cases():
    index = index_of(*TRAIN, *VALIDATION, *TEST)

    assert rows_of(make_split(index, "published", seed=0)) == rows_of(
        make_split(index, "published", seed=9)
    )


def test_cases_in_no_list_are_left_out():
    index = index_of(*UNLISTED, *TRAIN, *VALIDATION, *TEST)

    split = make_split(index, "published", unlisted="ignore")

    assert set(UNLISTED).isdisjoint(set.union(*cases_of(split, index).values()))
    assert split.unused == 4
    assert split_note(split) == "4 patches of cases in no published list are left out."


def test_unlisted_cases_train_on_request():
    index = index_of(*UNLISTED, *TRAIN, *VALIDATION, *TEST)

    split = make_split(index, "published", unlisted="train")

    assert cases_of(split, index) == {
        "train": {*TRAIN, *UNLISTED},
        "validation": set(VALIDATION),
        "test": set(TEST),
    }
    assert (split.unused, split_note(split)) == (0, "")


def test_without_a_test_case_validation_is_scored_with_a_note():
    index = index_of(*TRAIN, *VALIDATION)

    split = make_split(index, "published")

    assert len(split.test) == 0
    assert split.scored_part() == "validation"
    assert split_note(split) == (
        "The data holds no case of the test part; the validation part is scored."
    )


def test_with_a_test_case_the_test_part_is_scored():
    assert make_split(index_of(*TRAIN, *VALIDATION, *TEST), "published").scored_part() == "test"


def test_data_without_a_listed_case_is_refused_with_a_remedy():
    with pytest.raises(SplitError) as refusal:
        make_split(index_of(*UNLISTED), "published")

    assert str(refusal.value) == (
        "The train part holds no IDC-negative patch. Pack more of the listed cases, let unlisted "
        "cases join training, or choose the protocol 'case-disjoint'."
    )


# Random by patch


def test_random_split_is_70_15_15_by_patch():
    index = index_of(*range(100))  # 200 patches

    split = make_split(index, "random")

    assert [len(rows) for rows in rows_of(split)] == [140, 30, 30]
    assert sorted(np.concatenate(rows_of(split)).tolist()) == list(range(200))
    parts = cases_of(split, index)
    assert parts["train"] & parts["test"]
    assert "these scores flatter" in split_note(split)


def test_random_split_needs_no_second_case():
    split = make_split(index_of(*[7] * 10), "random")

    assert [len(rows) for rows in rows_of(split)] == [14, 3, 3]


# Refused settings


def test_missing_class_error_names_class_part_and_remedy():
    # With seed 0 the third case trains; both cases with positive patches are held out.
    index = pd.concat([index_of(1, 2, labels=(0, 1)), index_of(3, labels=(0,))], ignore_index=True)

    with pytest.raises(SplitError) as refusal:
        make_split(index, "case-disjoint")

    assert str(refusal.value) == (
        "The train part holds no IDC-positive patch. Try another seed, use more patches, or pack "
        "more cases."
    )


def test_class_missing_from_validation_only_is_refused():
    index = pd.concat([index_of(*TRAIN), index_of(*VALIDATION, labels=(1,))], ignore_index=True)

    with pytest.raises(SplitError, match="The validation part holds no IDC-negative patch"):
        make_split(index, "published")


def test_class_missing_from_the_test_part_is_allowed():
    index = pd.concat(
        [index_of(*TRAIN, *VALIDATION), index_of(*TEST, labels=(0,))], ignore_index=True
    )

    assert len(make_split(index, "published").test) == 2


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (
            {"protocol": "by-hand"},
            "protocol must be one of case-disjoint, published, random, as-given. Received: "
            "'by-hand'",
        ),
        (
            {"protocol": "published", "unlisted": "test"},
            "unlisted must be 'ignore' or 'train'. Received: 'test'",
        ),
        ({"protocol": "random", "patches": 1}, "At least 2 patches are needed. Received: 1"),
        ({"protocol": "random", "patches": -5}, "At least 2 patches are needed. Received: -5"),
    ],
)
def test_invalid_settings_are_refused_with_the_received_value(wanted, sentence):
    with pytest.raises(SplitError) as refusal:
        make_split(index_of(1, 2, 3), **wanted)

    assert str(refusal.value) == sentence


@pytest.mark.parametrize("protocol", ["case-disjoint", "published", "random"])
@pytest.mark.parametrize("rows", [0, 1])
def test_too_few_patches_raise_split_error(protocol, rows):
    with pytest.raises(SplitError):
        make_split(index_of(TRAIN[0]).iloc[:rows], protocol)


# Drawing patches


@pytest.mark.parametrize(
    ("positives", "negatives", "count", "drawn"),
    [
        (30, 70, 10, (3, 7)),
        (30, 70, 50, (15, 35)),
        (1, 99, 10, (0, 10)),
        (50, 50, 3, (2, 1)),
        (2, 3, 4, (2, 2)),
        (3, 2, 4, (2, 2)),
        (5, 0, 3, (3, 0)),
        (0, 5, 3, (0, 3)),
    ],
)
def test_draw_is_exact_and_keeps_the_class_shares(positives, negatives, count, drawn):
    labels = indicator(positives, negatives)

    rows = draw_patches(labels, count, seed=0)

    assert len(set(rows.tolist())) == len(rows) == count
    assert (int(labels[rows].sum()), int((labels[rows] == 0).sum())) == drawn


@pytest.mark.parametrize("count", [None, 10, 11, 10**6])
def test_all_patches_are_drawn_by_default(count):
    assert draw_patches(indicator(4, 6), count, seed=0).tolist() == list(range(10))


def test_draw_is_sorted_and_reproducible():
    labels = indicator(30, 70)

    first, second, other = (draw_patches(labels, 20, seed).tolist() for seed in (1, 1, 2))

    assert first == second == sorted(first)
    assert first != other


def test_split_uses_only_the_drawn_patches():
    index = index_of(*range(50))

    split = make_split(index, "random", patches=20, seed=4)

    drawn = draw_patches(index["label"].to_numpy(), 20, seed=4)
    assert sorted(np.concatenate(rows_of(split)).tolist()) == drawn.tolist()


# Counting


def test_counts_list_patches_classes_and_cases_per_part():
    index = pd.DataFrame({"case": [1, 1, 2, 3], "label": [0, 1, 0, 1]})
    split = Split("random", 0, np.array([0, 1, 2]), np.array([3]), np.array([], np.int64))

    counts = split.counts(index)

    assert counts.drop(columns="positive_share").to_dict("index") == {
        "train": {"patches": 3, "negative": 2, "positive": 1, "cases": 2},
        "validation": {"patches": 1, "negative": 0, "positive": 1, "cases": 1},
        "test": {"patches": 0, "negative": 0, "positive": 0, "cases": 0},
    }
    assert counts.loc["train", "positive_share"] == 1 / 3
    assert counts.loc["validation", "positive_share"] == 1
    assert math.isnan(counts.loc["test", "positive_share"])
