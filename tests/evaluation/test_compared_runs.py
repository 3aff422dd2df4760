"""idc.evaluation.compared_runs: which patches are compared, and their notes."""

import math

import numpy as np
import pandas as pd
import pytest

from idc.datasets.splits import make_split
from idc.datasets.store import open_store
from idc.errors import RunError
from idc.evaluation.compared_runs import compare_runs
from idc.launch.start import create_run
from idc.runs.run import PREDICTIONS_FILE
from idc.settings.training_config import TrainingConfig
from tests.support.made_patches import tiny_store

# tiny: cases 1..5 of 10 patches; row r is case r // 10 + 1, labels alternate 0, 1


@pytest.fixture
def store(home):
    return tiny_store("tiny", cases=5, per_case=10)


def scored_run(name, test_part=None, data="tiny", protocol="case-disjoint", seed=0, **parts):
    """A run with saved predictions {row: probability}, of its test part or of named parts."""
    config = TrainingConfig(data=data, protocol=protocol, seed=seed, name=name)
    run = create_run(config)
    parts = parts if test_part is None else {"test": test_part}
    pd.DataFrame(
        [(row, p, part) for part, rows in parts.items() for row, p in rows.items()],
        columns=["row", "probability", "part"],
    ).astype({"row": "int64", "probability": "float32"}).to_parquet(run.folder / PREDICTIONS_FILE)
    return run


def seed_with_test_case(store, case):
    """A seed whose case-disjoint split tests this case alone."""
    return next(
        seed
        for seed in range(1_000)
        if set(store.cases[make_split(store.index, "case-disjoint", seed=seed).test]) == {case}
    )


def test_only_patches_scored_by_all_runs_are_compared(store):
    one = scored_run("one", {0: 0.1, 1: 0.9, 2: 0.2})
    two = scored_run("two", {1: 0.8, 2: 0.7, 3: 0.6})
    three = scored_run("three", {2: 0.5, 1: 0.4})

    compared = compare_runs([one, two, three])

    assert compared.rows.tolist() == [1, 2]
    assert compared.y_true.tolist() == [1, 0]
    assert compared.y_prob.tolist() == np.array([[0.9, 0.2], [0.8, 0.7], [0.4, 0.5]], "f4").tolist()
    assert compared.notes()[0] == (
        "The runs were scored on different patches ('one' 3, 'two' 3, 'three' 2); compared are the "
        "2 patches of 1 case that all of them have scored."
    )


def test_equal_patches_are_noted(store):
    seed = seed_with_test_case(store, 1)
    one = scored_run("one", {0: 0.1, 1: 0.9}, seed=seed)
    two = scored_run("two", {0: 0.2, 1: 0.8}, seed=seed)

    compared = compare_runs([one, two])

    assert compared.notes() == ["All runs have scored the same 2 patches of 1 case."]
    assert compared.cautions() == []


def test_run_that_trained_on_a_compared_case_is_named(store):
    seed = seed_with_test_case(store, 1)
    split = make_split(store.index, "random", seed=0)
    rows = [row for row in split.test if store.cases[row] == 1]
    assert rows and 1 in store.cases[split.train]
    fair = scored_run("by case", dict.fromkeys(range(10), 0.5), seed=seed)
    flattered = scored_run("random", dict.fromkeys(rows, 0.5), protocol="random", seed=0)

    compared = compare_runs([fair, flattered])

    trained = int(np.isin(split.train, range(10)).sum())
    assert compared.notes()[1:] == [
        f"'random' trained on {trained} of the patches that 'by case' is scored on; they are left "
        "out here.",
    ]
    assert compared.cautions() == [
        "'random' trained on other patches of 1 of the 1 compared cases, so its scores flatter: "
        "neighbours share stain and tissue.",
    ]


def test_held_out_patches_are_used_without_shared_test_patches(store):
    one = scored_run("one", test={0: 0.1}, validation={5: 0.2, 6: 0.3})
    two = scored_run("two", test={5: 0.1}, validation={0: 0.2})
    three = scored_run("three", test={0: 0.9}, validation={5: 0.5})

    assert (compare_runs([one, three]).part, compare_runs([one, three]).rows.tolist()) == (
        "test",
        [0],
    )
    assert (compare_runs([one, two]).part, compare_runs([one, two]).rows.tolist()) == (
        "held out",
        [0, 5],
    )


def test_run_scored_on_patches_that_chose_its_best_epoch_is_named(store):
    one = scored_run("one", test={0: 0.1, 5: 0.2, 6: 0.3})
    two = scored_run("two", test={0: 0.2}, validation={5: 0.1, 6: 0.2, 7: 0.9})

    def flattered(part):
        return [said for said in compare_runs([one, two], part).cautions() if "best epoch" in said]

    assert flattered("test") == []
    assert flattered("held out") == [
        "'two' chose its best epoch on 2 of these 3 patches, so its scores flatter a little."
    ]


def test_runs_that_share_no_patch_cannot_be_compared(store):
    with pytest.raises(RunError, match="No patch was scored by all of these runs"):
        compare_runs([scored_run("one", {0: 0.1}), scored_run("two", {1: 0.1})])


def test_single_run_is_rejected(store):
    run = scored_run("one", {0: 0.1})

    for runs in ([run], [run, run]):
        with pytest.raises(RunError, match="two or more different runs"):
            compare_runs(runs)


def test_patches_of_other_data_sets_match_by_place_and_pixels(store):
    tiny_store("part", cases=3, per_case=10)  # the first three cases, the same pixels
    tiny_store("shifted", cases=2, per_case=10, first_case=2)  # case 2 with other pixels
    one = scored_run("one", {0: 0.1, 15: 0.2, 45: 0.3})
    same = scored_run("same", {0: 0.5, 15: 0.6, 25: 0.7}, data="part")
    other = scored_run("other", {5: 0.5}, data="shifted")  # the place of row 15

    compared = compare_runs([one, same])
    assert compared.rows.tolist() == [0, 15]
    assert compared.pixel_mismatches == 0
    with pytest.raises(RunError, match="No patch"):
        compare_runs([one, other])


def test_differences_are_the_other_minus_the_first(store):
    one = scored_run("one", dict.fromkeys(range(20), 0.1))  # all negative: balanced .5
    two = scored_run("two", {row: row % 2 for row in range(20)})  # all right

    differences = compare_runs([one, two]).differences(1, (0.5, 0.5))

    accuracy = differences["accuracy"]
    assert (accuracy.value, accuracy.low, accuracy.high) == (0.5, 0.5, 0.5)  # each case the same
    assert accuracy.excludes_zero
    assert differences["balanced_accuracy"].value == 0.5
    assert differences["roc_auc"].value == 0.5
    assert math.isnan(differences["precision"].value)  # the first calls nothing positive
    assert differences["precision"].no_interval == "a score is undefined"


def test_interval_is_of_the_paired_difference(store):
    # Case by case the accuracies are 1, .5, 0, .5, 1 and always .1 less: the cases differ widely,
    # the difference does not.
    right = np.array([1.0, 0.5, 0.0, 0.5, 1.0])
    y_true = store.labels

    def saved(share):
        hits = {case: round(10 * s) for case, s in enumerate(share)}
        return {r: float(y_true[r] == (r % 10 < hits[r // 10])) for r in range(50)}

    one = scored_run("one", saved(right[[0, 1, 1, 1, 0]]))
    two = scored_run("two", saved(np.array([0.9, 0.4, 0.4, 0.4, 0.9])))

    compared = compare_runs([one, two])
    accuracy = compared.differences(1, (0.5, 0.5))["accuracy"]

    assert accuracy.value == pytest.approx(-0.1)
    assert (accuracy.low, accuracy.high) == (pytest.approx(-0.1), pytest.approx(-0.1))
    first, _ = compared.reports((0.5, 0.5))
    assert first.accuracy == pytest.approx(0.7)


def test_one_case_gives_no_interval(store):
    one = scored_run("one", {0: 0.1, 1: 0.1})
    two = scored_run("two", {0: 0.1, 1: 0.9})

    accuracy = compare_runs([one, two]).differences(1, (0.5, 0.5))["accuracy"]

    assert accuracy.value == 0.5
    assert math.isnan(accuracy.low) and "only one case" in accuracy.no_interval
    assert not accuracy.excludes_zero


def test_disagreements_are_sorted_by_difference_with_the_correct_run(store):
    one = scored_run("one", {0: 0.1, 1: 0.2, 2: 0.9, 3: 0.6})
    two = scored_run("two", {0: 0.6, 1: 0.9, 2: 0.95, 3: 0.1})

    table = compare_runs([one, two]).disagreements(1, (0.5, 0.5))

    assert table[["row", "label", "other_is_right"]].values.tolist() == [
        [1, 1, True],
        [0, 0, False],
        [3, 1, False],
    ]
    assert table["first"].tolist() == pytest.approx([0.2, 0.1, 0.6])
    assert table["other"].tolist() == pytest.approx([0.9, 0.6, 0.1])


def test_each_run_has_its_own_threshold(store):
    one = scored_run("one", {0: 0.1, 1: 0.4})
    two = scored_run("two", {0: 0.1, 1: 0.6})

    compared = compare_runs([one, two])

    assert compared.disagreements(1, (0.3, 0.5)).empty
    assert [report.accuracy for report in compared.reports((0.5, 0.5))] == [0.5, 1.0]


def test_json_holds_scores_differences_and_notes(store):
    open_store("tiny")
    one = scored_run("one", dict.fromkeys(range(20), 0.1))
    two = scored_run("two", {row: row % 2 for row in range(20)})

    comparison = compare_runs([one, two]).to_json((0.5, 0.5))

    assert (comparison["patches"], comparison["cases"], comparison["part"]) == (20, 2, "test")
    first, other = comparison["runs"]
    assert first["difference_to_first"] is None
    assert first["scores"]["precision"] is None
    assert other["difference_to_first"]["accuracy"]["low"] == 0.5
    assert other["disagreements"] == 10
