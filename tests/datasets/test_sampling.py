import pandas as pd

from idc.datasets.sampling import alternating_sample


def index_of(*labels):
    count = len(labels)
    return pd.DataFrame(
        {"case": range(100, 100 + count), "x": range(count), "y": range(count), "label": labels}
    )


def test_classes_alternate_and_negative_comes_first():
    sample = alternating_sample(index_of(1, 1, 1, 0, 0, 0), per_class=3, seed=0)

    assert sample["label"].tolist() == [0, 1, 0, 1, 0, 1]
    assert sorted(sample["row"]) == [0, 1, 2, 3, 4, 5]


def test_sampled_rows_match_their_fields():
    index = index_of(1, 0, 0, 1, 0, 1)

    sample = alternating_sample(index, per_class=2, seed=0)

    named = index.loc[sample["row"], ["case", "x", "y", "label"]].reset_index(drop=True)
    pd.testing.assert_frame_equal(sample[["case", "x", "y", "label"]], named)


def test_surplus_of_the_larger_class_comes_last():
    sample = alternating_sample(index_of(0, 0, 0, 0, 1), per_class=3, seed=0)

    assert sample["label"].tolist() == [0, 1, 0, 0]


def test_single_class_is_sampled():
    assert alternating_sample(index_of(1, 1, 1), per_class=2, seed=0)["label"].tolist() == [1, 1]


def test_empty_store_gives_an_empty_table():
    sample = alternating_sample(index_of(), per_class=2, seed=0)

    assert sample.columns.tolist() == ["case", "x", "y", "label", "row"]
    assert len(sample) == 0


def test_seed_determines_the_sample():
    index = index_of(*[0, 1] * 50)

    first, again, other = (
        alternating_sample(index, per_class=5, seed=seed)["row"].tolist() for seed in (1, 1, 2)
    )

    assert first == again
    assert first != other
