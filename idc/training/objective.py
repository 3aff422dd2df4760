"""Optimizer, loss, learning rate schedule, and the metrics of each batch."""

import math
from typing import Any

import keras
from keras import ops

from idc.networks.models import IDC_POSITIVE
from idc.settings.training_config import TrainingConfig

_WARM_UP_SHARE = 0.3
_START_FRACTION = 1 / 10  # of the peak
_END_FRACTION = 1 / 1000


def compile_model(
    model: keras.Model, config: TrainingConfig, steps: int, *, steps_per_execution: int = 1
) -> None:
    """Compile a model with its optimizer, loss and metrics.

    The loss is the notebook's binary cross-entropy, written as the categorical one, which is equal
    for two probabilities that sum to one. The binary one must not be used: Keras on TensorFlow
    applies it to the softmax's logits as if they were a sigmoid's, and computes another loss
    (0.775 instead of the 0.909 on which JAX and NumPy agree; see docs/scale.md).

    Args:
        steps: optimizer steps in the whole run, for the schedule.
        steps_per_execution: optimizer steps in one call of the compiled function.
    """
    rate: Any = config.learning_rate
    if config.schedule == "one-cycle":
        rate = one_cycle(config.learning_rate, steps)
    model.compile(
        optimizer=_optimizer(config, rate),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=config.label_smoothing),
        metrics=[
            LatestBatchMetric(keras.losses.categorical_crossentropy, name="batch_loss"),
            LatestBatchMetric(keras.metrics.categorical_accuracy, name="batch_accuracy"),
            LatestBatchMetric(balanced_accuracy, name="batch_balanced_accuracy"),
            LatestBatchMetric(roc_auc, name="batch_roc_auc"),
            keras.metrics.CategoricalCrossentropy(name="cross_entropy"),
            keras.metrics.CategoricalAccuracy(name="accuracy"),
        ],
        steps_per_execution=steps_per_execution,
    )
    # Of the model: in mixed precision Keras has wrapped the optimizer to scale the loss.
    model.optimizer.build(model.trainable_variables)
    # Create the metrics' variables, for which a checkpoint may hold values.
    batch = keras.ops.convert_to_tensor([[1.0, 0.0]])
    model.compute_metrics(None, batch, batch)
    model.reset_metrics()


def _optimizer(config: TrainingConfig, rate: Any) -> keras.optimizers.Optimizer:
    if config.optimizer == "adam":
        return keras.optimizers.Adam(rate)
    # Keras' default beta_2 of 0.999 averages over 1,000 steps, more than a short run has.
    optimizer = keras.optimizers.AdamW(rate, beta_2=0.99, weight_decay=config.weight_decay)
    # Only kernels decay: scales and shifts near zero would disable their channels.
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


class LatestBatchMetric(keras.metrics.MeanMetricWrapper):
    """The mean over the latest batch only; Keras' metrics average over the epoch."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Reset, then update with this batch."""
        self.reset_state()
        return super().update_state(y_true, y_pred, sample_weight)


def balanced_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Mean of sensitivity and specificity at 0.5; nan in a batch of one class.

    Args:
        y_true: one-hot, shape (b, 2). ``y_pred``: probabilities, shape (b, 2).

    Returns:
        a scalar tensor.
    """
    y_true = keras.ops.cast(y_true, y_pred.dtype)
    positive = keras.ops.cast(y_pred[:, IDC_POSITIVE] >= 0.5, y_pred.dtype)
    correct = y_true * keras.ops.stack([1 - positive, positive], axis=1)  # IDC-negative first
    return keras.ops.mean(keras.ops.sum(correct, axis=0) / keras.ops.sum(y_true, axis=0))


def roc_auc(y_true: Any, y_pred: Any) -> Any:
    """How often a positive patch of the batch ranks above a negative one; ties count half.

    Computed from ranks (Mann & Whitney 1947), because a large batch has too many pairs for a
    table. Arguments and undefined case as `balanced_accuracy`.
    """
    score = y_pred[:, IDC_POSITIVE]
    positive = keras.ops.cast(y_true[:, IDC_POSITIVE], y_pred.dtype)
    ordered = keras.ops.sort(score)
    below = keras.ops.searchsorted(ordered, score, side="left")
    up_to = keras.ops.searchsorted(ordered, score, side="right")
    rank = (keras.ops.cast(below + up_to, y_pred.dtype) + 1) / 2
    positives = keras.ops.sum(positive)
    negatives = keras.ops.sum(1 - positive)
    above = keras.ops.sum(rank * positive) - positives * (positives + 1) / 2
    return above / (positives * negatives)


def one_cycle(peak: float, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """Up to ``peak`` over the first 30 % of the steps, then down along a cosine to almost 0.

    Smith & Topin 2018 (arXiv:1708.07120) call it the one-cycle policy.
    """
    return OneCycle(peak, steps)


class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """The schedule of `one_cycle`. After its last step the rate stays at the end value."""

    def __init__(self, peak: float, steps: int) -> None:
        super().__init__()
        self._peak, self._steps = peak, max(1, steps)

    def __call__(self, step: int) -> float:
        warm_up = self._steps * _WARM_UP_SHARE
        at = ops.cast(step, "float32")
        up = (
            _START_FRACTION
            + (1 - _START_FRACTION) * (1 - ops.cos(math.pi * ops.minimum(at / warm_up, 1.0))) / 2
        )
        passed = ops.clip((at - warm_up) / max(1.0, self._steps - warm_up), 0.0, 1.0)
        down = _END_FRACTION + (1 - _END_FRACTION) * (1 + ops.cos(math.pi * passed)) / 2
        return self._peak * ops.where(at < warm_up, up, down)

    def get_config(self) -> dict[str, float]:
        """The arguments, from which Keras restores the schedule."""
        return {"peak": self._peak, "steps": self._steps}
