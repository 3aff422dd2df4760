"""idc.evaluation.doubtful_labels: confident learning against hand calculations and cleanlab."""

import numpy as np
import pandas as pd
import pytest

from idc.errors import LabelError
from idc.evaluation.doubtful_labels import (
    confident_joint,
    held_out_predictions,
    rank_doubtful_labels,
)
from idc.launch.start import create_run
from idc.runs.run import PREDICTIONS_FILE
from idc.settings.training_config import TrainingConfig
from tests.support.made_patches import tiny_store

# Labels 0: 1 - p = .9 .8 .1 .6, mean .6. Labels 1: p = .9 .7 .2 .6, mean .6.
LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 1])
Y_PROB = np.array([0.1, 0.2, 0.9, 0.4, 0.9, 0.7, 0.2, 0.6])


def test_threshold_of_a_class_is_the_mean_probability_of_its_own_labels():
    joint = confident_joint(LABELS, Y_PROB)

    assert joint.thresholds == (pytest.approx(0.6), pytest.approx(0.6))


def test_joint_counts_labels_against_confident_predictions():
    joint = confident_joint(LABELS, Y_PROB)

    assert joint.counts.tolist() == [[3, 1], [1, 3]]
    assert joint.unsure == 0
    assert joint.noise_rate(0) == 0.25


def test_patch_below_both_thresholds_is_not_counted():
    labels, y_prob = np.array([0, 0, 1, 1]), np.array([0.1, 0.45, 0.9, 0.55])

    joint = confident_joint(labels, y_prob)  # thresholds 0.725 both

    assert joint.counts.tolist() == [[1, 0], [0, 1]]
    assert joint.unsure == 2


def test_patch_above_both_thresholds_counts_as_the_likelier_class():
    # both thresholds are .44, so the .45 reach both (.55 is negative), .67 and .43 one each
    labels, y_prob = np.array([0, 0, 1, 1]), np.array([0.45, 0.67, 0.43, 0.45])

    assert confident_joint(labels, y_prob).counts.tolist() == [[1, 1], [2, 0]]


def test_equal_predictions_reach_their_mean():
    y_prob = np.full(6, np.float32(0.1))

    assert confident_joint(np.array([0, 0, 0, 1, 1, 1]), y_prob).unsure == 0


def test_doubtful_labels_are_sorted_by_probability_of_their_label():
    joint = confident_joint(LABELS, Y_PROB)

    assert rank_doubtful_labels(LABELS, Y_PROB, joint).tolist() == [2, 6]  # own .1, .2


def test_confident_but_improbable_prediction_contradicts_no_label():
    # the positive threshold is about .3, so .4 counts as positive but predicts negative
    labels, y_prob = np.array([0, 0, 0, 1, 1]), np.array([0.01, 0.02, 0.4, 0.3, 0.3])
    joint = confident_joint(labels, y_prob)

    assert joint.counts[0, 1] == 1
    assert rank_doubtful_labels(labels, y_prob, joint).tolist() == []


def test_one_class_alone_has_no_doubtful_labels():
    with pytest.raises(LabelError, match="both classes"):
        confident_joint(np.array([1, 1]), np.array([0.1, 0.9]))


def test_predictions_that_are_not_numbers_are_rejected():
    with pytest.raises(LabelError, match="diverged"):
        confident_joint(LABELS, np.full(8, np.nan))


@pytest.mark.slow  # importing cleanlab takes seconds
@pytest.mark.parametrize("seed", range(20))
def test_agrees_with_cleanlab_on_random_predictions(seed):
    from cleanlab.count import compute_confident_joint
    from cleanlab.filter import find_label_issues

    rng = np.random.default_rng(seed)
    labels = (rng.random(400) < rng.uniform(0.1, 0.6)).astype(int)
    sharpness, bias = rng.uniform(0.5, 5), rng.normal()
    logits = sharpness * (labels - 0.5) + bias + rng.normal(size=400) * rng.uniform(0.5, 3)
    y_prob = 1 / (1 + np.exp(-logits))
    both = np.column_stack([1 - y_prob, y_prob])

    joint = confident_joint(labels, y_prob)

    assert joint.counts.tolist() == compute_confident_joint(labels, both, calibrate=False).tolist()
    issues = find_label_issues(
        labels,
        both,
        filter_by="confident_learning",
        return_indices_ranked_by="self_confidence",
        n_jobs=1,
    )
    assert rank_doubtful_labels(labels, y_prob, joint).tolist() == issues.tolist()


# From runs


def predicting_run(part_rows, **settings):
    run = create_run(TrainingConfig(data="tiny", protocol="random", **settings))
    pd.DataFrame(
        [(row, p, part) for part, rows in part_rows.items() for row, p in rows.items()],
        columns=["row", "probability", "part"],
    ).astype({"row": "int64", "probability": "float32"}).to_parquet(run.folder / PREDICTIONS_FILE)
    return run


def test_table_lists_place_label_and_predicting_run(home):
    tiny_store("tiny", cases=2, per_case=4)
    first = predicting_run({"test": {4: 0.05, 5: 0.02, 6: 0.1}, "validation": {0: 0.9}})
    second = predicting_run({"test": {1: 0.9, 2: 0.97, 3: 0.8}})

    table = held_out_predictions([first, second], ["test"]).table()

    assert table[["row", "case", "x", "y", "label", "run"]].values.tolist() == [
        [5, 2, 51, 1, 1, first.id],
        [2, 1, 101, 1, 0, second.id],
    ]
    assert table["probability"].tolist() == pytest.approx([0.02, 0.97])
    assert table["self_confidence"].tolist() == pytest.approx([0.02, 0.03])


def test_missing_held_out_predictions_raise_an_error(home):
    tiny_store("tiny", cases=2, per_case=4)
    run = predicting_run({"validation": {0: 0.9, 1: 0.2}})

    with pytest.raises(LabelError, match="no held-out predictions yet"):
        held_out_predictions([run], ["test"])
