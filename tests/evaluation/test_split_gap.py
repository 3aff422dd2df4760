import math

import numpy as np
import pandas as pd
import pytest

from idc.errors import RunError
from idc.evaluation.split_gap import list_pairs, split_gap, split_pair
from idc.launch.start import create_run
from idc.metrics.bootstrap import Bootstrap
from idc.runs.run import PREDICTIONS_FILE, RunStatus
from idc.settings.training_config import preset_config
from tests.support.made_patches import tiny_store

RIGHT, TIMID = [0.1, 0.9] * 5, [0.1, 0.2] * 5  # of one case: labels alternate 0, 1


@pytest.fixture
def store(home):
    return tiny_store("tiny", cases=12, per_case=10)


def scored(protocol, y_prob, first_row=0, **settings):
    run = create_run(preset_config("fast", "tiny", protocol=protocol, **settings))
    rows = first_row + np.arange(len(y_prob))
    table = pd.DataFrame({"row": rows, "probability": np.float32(y_prob), "part": "test"})
    table.to_parquet(run.folder / PREDICTIONS_FILE)
    run.write_status(RunStatus(state="finished", epochs=1, epoch=1))
    return run


def pair(promised, got, **settings):
    return split_pair(
        scored("random", promised, **settings), scored("case-disjoint", got, 60, **settings)
    )


def test_gap_is_case_score_minus_random_score(store):
    gap = split_gap(pair(RIGHT * 6, (RIGHT + TIMID) * 3))

    assert gap.scores["random"]["balanced_accuracy"].value == 1
    assert gap.scores["case-disjoint"]["balanced_accuracy"].value == 0.75
    assert gap.differences["balanced_accuracy"].value == -0.25
    assert gap.differences["sensitivity"].value == -0.5
    assert (gap.patches, gap.cases) == (
        {"random": 60, "case-disjoint": 60},
        {"random": 6, "case-disjoint": 6},
    )


def test_clear_gap_states_that_random_split_flatters(store):
    sentence = split_gap(pair(RIGHT * 6, TIMID * 6)).sentence()

    assert sentence == (
        "Balanced accuracy is 1.000 (1.000 to 1.000) under the random split and 0.500 (0.500 to "
        "0.500) on unseen cases. That is 0.500 less: the random split flatters by as much."
    )


def test_gap_of_few_cases_may_be_chance(store):
    sentence = split_gap(pair(RIGHT * 5 + TIMID, RIGHT * 4 + TIMID * 2)).sentence()

    assert "with so few cases it may be chance: the interval of the gap contains 0" in sentence


def test_uncertain_gap_of_many_cases_does_not_mention_their_number(home):
    tiny_store("tiny", cases=24, per_case=10)
    random = scored("random", RIGHT * 11 + TIMID)
    by_case = scored("case-disjoint", RIGHT * 10 + TIMID * 2, 120)

    sentence = split_gap(split_pair(random, by_case)).sentence()

    assert "but it may be chance: the interval of the gap contains 0" in sentence


def test_gap_without_interval_states_why_chance_is_unknown(store):
    sentence = split_gap(pair(RIGHT * 6, TIMID)).sentence()

    assert sentence.endswith(
        "That is 0.500 less; whether this is chance is unknown: there is only one case, and the "
        "bootstrap needs several."
    )


def test_positive_gap_states_that_held_out_cases_are_easy(store):
    assert "the held-out cases happen to be easy" in (
        split_gap(pair(TIMID * 6, RIGHT * 6)).sentence()
    )


def test_gap_of_one_class_is_undefined(store):
    gap = split_gap(
        split_pair(scored("random", [0.1]), scored("case-disjoint", [0.1, 0.9], first_row=10))
    )

    assert math.isnan(gap.differences["balanced_accuracy"].value)
    assert "The gap is undefined" in gap.sentence()


def test_few_cases_give_a_caution(store):
    assert "Only 6 cases" in split_gap(pair(RIGHT * 6, RIGHT * 6)).caution()


def test_runs_with_different_settings_are_rejected_as_pair(store):
    random, by_case = scored("random", RIGHT), scored("case-disjoint", RIGHT, seed=1)

    with pytest.raises(RunError, match="differ in more than the split"):
        split_pair(random, by_case)
    with pytest.raises(RunError, match="was not trained with the split 'random'"):
        split_pair(by_case, random)


def test_pairs_are_found_regardless_of_run_names(store):
    random = scored("random", RIGHT, name="one")
    by_case = scored("case-disjoint", RIGHT, name="other")
    lone = scored("case-disjoint", RIGHT, seed=1)

    [found] = list_pairs([lone, by_case, random])

    assert found.runs == (random, by_case)


def test_unpaired_difference_draws_cases_of_each_run_separately():
    y_true, cases = np.array([0, 1] * 20), np.repeat(np.arange(10), 4)
    hard = np.where(np.arange(40) < 20, 0.9, y_true)  # half of the cases are false alarms
    one, other = (Bootstrap(y_true, hard, cases, seed=seed) for seed in (0, 1))

    paired = one.difference(Bootstrap(y_true, hard, cases, seed=0), 0.5, 0.5)["specificity"]
    apart = one.unpaired_difference(other, 0.5, 0.5)["specificity"]

    assert (paired.value, paired.low, paired.high) == (0, 0, 0)
    assert apart.value == 0
    assert apart.low < -0.3 < 0.3 < apart.high
