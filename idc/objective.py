"""What training works towards: optimizer, loss, and the metrics of each batch."""

from typing import Any

import keras

from idc.config import TrainingConfig
from idc.schedules import one_cycle


def compile_model(model: keras.Model, config: TrainingConfig, steps: int) -> None:
    """Give a model its optimizer, loss and metrics.

    The loss is binary cross-entropy on the two-way softmax, as in the notebook; on two
    probabilities that sum to one it equals categorical cross-entropy.

    Args:
        steps: optimizer steps in the whole run, for the schedule.
    """
    rate: Any = config.learning_rate
    if config.schedule == "one-cycle":
        rate = one_cycle(config.learning_rate, steps)
    model.compile(
        optimizer=_optimizer(config, rate),
        loss=keras.losses.BinaryCrossentropy(label_smoothing=config.label_smoothing),
        metrics=[
            LatestBatch(keras.losses.binary_crossentropy, name="batch_loss"),
            LatestBatch(keras.metrics.categorical_accuracy, name="batch_accuracy"),
            keras.metrics.BinaryCrossentropy(name="cross_entropy"),
            keras.metrics.CategoricalAccuracy(name="accuracy"),
        ],
    )
    # The model's own: in mixed precision Keras has wrapped it into one that scales the loss.
    model.optimizer.build(model.trainable_variables)
    # Metrics get their variables with their first batch; a checkpoint may have values for them.
    batch = keras.ops.convert_to_tensor([[1.0, 0.0]])
    model.compute_metrics(None, batch, batch)
    model.reset_metrics()


def _optimizer(config: TrainingConfig, rate: Any) -> keras.optimizers.Optimizer:
    if config.optimizer == "adam":
        return keras.optimizers.Adam(rate)
    # Keras' beta_2 of 0.999 remembers 1,000 steps, more than a short run has.
    optimizer = keras.optimizers.AdamW(rate, beta_2=0.99, weight_decay=config.weight_decay)
    # Decay is for kernels: scales and shifts pulled to zero would silence their channels.
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


class LatestBatch(keras.metrics.MeanMetricWrapper):
    """The mean over the latest batch alone, where Keras' metrics average over the epoch."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Forget the batches before, then take this one."""
        self.reset_state()
        return super().update_state(y_true, y_pred, sample_weight)
