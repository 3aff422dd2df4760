"""idc.metrics.bootstrap: the bootstrap over cases, held against cases worked by hand."""

import json
import math

import numpy as np
import pytest

from idc.metrics.bootstrap import Bootstrap, few_cases_note
from idc.metrics.scores import SCORE_DESCRIPTIONS


def bootstrap(*cases, resamples=1_000):
    """From cases given as [(label, probability), ...]."""
    patches = [(label, p, case) for case, of_case in enumerate(cases) for label, p in of_case]
    y_true, y_prob, numbers = (np.array(column) for column in zip(*patches, strict=True))
    return Bootstrap(y_true, y_prob, numbers, resamples=resamples)


GOOD = [(1, 0.9)] * 4 + [(0, 0.1)] * 4  # all eight right
FAIR = [(1, 0.9)] * 3 + [(1, 0.1)] + [(0, 0.1)] * 3 + [(0, 0.9)]  # six of eight
POOR = [(1, 0.9)] * 2 + [(1, 0.1)] * 2 + [(0, 0.1)] + [(0, 0.9)] * 3  # three of eight


def test_interval_of_two_cases_reaches_from_the_one_to_the_other():
    # Drawn twice out of two, a case comes alone in one draw of four: far more than the 2.5 % that
    # the interval leaves out on either side.
    accuracy = bootstrap(GOOD, POOR).intervals(0.5)["accuracy"]

    assert (accuracy.low, accuracy.value, accuracy.high) == (3 / 8, 11 / 16, 1)


def test_interval_of_three_cases_worked_by_hand():
    # Of 27 equally likely draws one holds the poor case alone (3.7 %), so it is the lower end.
    found = bootstrap(GOOD, FAIR, POOR).intervals(0.5)

    assert (found["accuracy"].low, found["accuracy"].high) == (3 / 8, 1)
    assert (found["sensitivity"].low, found["sensitivity"].high) == (1 / 2, 1)
    assert (found["specificity"].low, found["specificity"].high) == (1 / 4, 1)
    assert found["accuracy"].value == 17 / 24


def test_share_of_draws_follows_the_odds_of_drawing_cases():
    # Four cases, one of them wrong: it is left out of (3/4)**4 = 32 % of the draws and comes at
    # least three times in 5 %: so the upper end is 1 and the lower end 1/4.
    accuracy = bootstrap([(1, 0.9)], [(1, 0.9)], [(1, 0.9)], [(1, 0.1)]).intervals(0.5)["accuracy"]

    assert (accuracy.low, accuracy.high) == (1 / 4, 1)


def test_patches_of_one_case_do_not_count_as_independent():
    few, many = bootstrap(GOOD, POOR), bootstrap(GOOD * 100, POOR * 100)

    ends = [
        (found["accuracy"].low, found["accuracy"].high)
        for found in (few.intervals(0.5), many.intervals(0.5))
    ]

    assert ends[0] == ends[1]


def test_spread_of_the_cases_alone():
    accuracy = bootstrap(GOOD, FAIR, POOR).intervals(0.5)["accuracy"]

    assert accuracy.cases == 3
    assert accuracy.case_range == (3 / 8, 1)
    assert accuracy.case_quartiles == pytest.approx(((3 / 8 + 6 / 8) / 2, 6 / 8, 7 / 8))


def test_single_class_case_is_left_out_of_undefined_spread():
    found = bootstrap(GOOD, [(0, 0.1)], [(0, 0.9)]).intervals(0.5)

    assert (found["sensitivity"].cases, found["specificity"].cases) == (1, 3)


def test_threshold_moves_only_what_depends_on_it():
    found = bootstrap(GOOD, FAIR, POOR)

    low, high = found.intervals(0.05), found.intervals(0.95)

    assert (low["sensitivity"].value, high["sensitivity"].value) == (1, 0)
    for name in ("roc_auc", "average_precision", "brier", "calibration_error"):
        assert low[name] == high[name]


def test_interval_of_the_calibration_error_lies_high_and_its_meaning_says_so():
    surely, never = [(1, 0.5)] * 4, [(0, 0.5)] * 4
    error = bootstrap(*[surely, never] * 6).intervals(0.5)["calibration_error"]

    assert error.value == 0  # half are positive, as predicted, but rarely in a draw
    assert error.high - error.value > 0.2
    assert SCORE_DESCRIPTIONS["calibration_error"][1].endswith("so its interval is biased upwards")


def test_same_predictions_get_the_same_intervals():
    assert bootstrap(GOOD, FAIR, POOR).intervals(0.5) == bootstrap(GOOD, FAIR, POOR).intervals(0.5)


# Undefined


def test_one_case_has_no_interval_and_says_why():
    accuracy = bootstrap(FAIR).intervals(0.5)["accuracy"]

    assert accuracy.value == 6 / 8
    assert math.isnan(accuracy.low) and math.isnan(accuracy.high)
    assert accuracy.no_interval == ("there is only one case, and the bootstrap needs several")
    assert accuracy.undefined == ""


def test_undefined_score_says_why():
    found = bootstrap([(0, 0.1)], [(0, 0.2)]).intervals(0.5)

    assert {name: each.undefined for name, each in found.items() if each.undefined} == {
        "sensitivity": "there is no positive patch",
        "precision": "no patch is predicted positive at this threshold",
        "f1": "no patch is positive, and none is predicted so",
        "balanced_accuracy": "it needs patches of both classes",
        "roc_auc": "it needs patches of both classes",
        "average_precision": "it needs patches of both classes",
    }
    assert math.isnan(found["sensitivity"].value)
    assert found["sensitivity"].no_interval == found["sensitivity"].undefined


def test_score_that_many_draws_leave_undefined_has_no_interval():
    # One of two cases holds all positives: a quarter of the draws lack it.
    sensitivity = bootstrap(GOOD, [(0, 0.1)]).intervals(0.5)["sensitivity"]

    assert sensitivity.value == 1
    assert math.isnan(sensitivity.low)
    assert "of 1,000 draws of the cases the score is undefined" in sensitivity.no_interval


def test_json_has_plain_values_and_none_for_what_is_undefined():
    found = bootstrap([(0, 0.1)], [(0, 0.2)]).intervals(0.5)["sensitivity"].to_json()

    assert json.loads(json.dumps(found)) == {
        "value": None,
        "low": None,
        "high": None,
        "case_quartiles": [None, None, None],
        "case_range": [None, None],
        "cases": 0,
        "undefined": "there is no positive patch",
        "no_interval": "there is no positive patch",
    }


@pytest.mark.parametrize(
    ("cases", "beginning"), [(1, "All patches are of one case"), (9, "Only 9 cases"), (10, "")]
)
def test_few_cases_are_remarked_on(cases, beginning):
    assert few_cases_note(cases).startswith(beginning)
    assert bool(few_cases_note(cases)) == bool(beginning)
