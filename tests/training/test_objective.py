"""idc.training.objective: the scores of a batch as it trains."""

import math

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

pytestmark = pytest.mark.slow  # imports Keras


def scored(name, labels, scores):
    import keras

    from idc.training import objective

    y_pred = np.stack([1 - np.asarray(scores), scores], axis=1).astype(np.float32)
    y_true = np.eye(2, dtype=np.float32)[labels]
    score = getattr(objective, name)
    # As Keras calls it: inside a metric, compiled.
    metric = objective.LatestBatchMetric(score, name=name)
    metric.update_state(y_true, keras.ops.convert_to_tensor(y_pred))
    return float(metric.result())


LABELS = [0, 1, 0, 1, 1, 0, 0]
SCORES = [0.1, 0.9, 0.5, 0.5, 0.3, 0.3, 0.7]  # two ties between the classes


def test_batch_scores_equal_scikit_learn():
    called = np.array(SCORES) >= 0.5

    assert scored("roc_auc", LABELS, SCORES) == pytest.approx(roc_auc_score(LABELS, SCORES))
    assert scored("balanced_accuracy", LABELS, SCORES) == pytest.approx(
        balanced_accuracy_score(LABELS, called)
    )


@pytest.mark.parametrize("name", ["roc_auc", "balanced_accuracy"])
def test_batch_of_one_class_is_undefined(name):
    assert math.isnan(scored(name, [0, 0, 0], [0.1, 0.2, 0.9]))
