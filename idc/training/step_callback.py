"""What Keras tells after each step, handed to the training; and what it forgets, set again."""

from collections.abc import Callable, Sequence

import keras
import numpy as np


class StepCallback(keras.callbacks.Callback):
    """Calls ``after_step(step, logs)`` with the step within the epoch, from 1.

    A model that takes several steps a call tells of the last of them alone.

    Args:
        first_step: steps of the epoch that were done before.
        running_means: values of the model's metrics after those steps.
    """

    def __init__(
        self,
        after_step: Callable[[int, dict[str, float]], None],
        first_step: int,
        running_means: Sequence[np.ndarray],
    ) -> None:
        super().__init__()
        self._after_step, self._first_step = after_step, first_step
        self._running_means = running_means if first_step else ()

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Keras has just set the metrics to zero, and before the first step there were none."""
        if len(self._running_means):
            variables = self.model.metrics_variables
            for variable, value in zip(variables, self._running_means, strict=True):
                variable.assign(value)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Keras counts the batches that it was given from 0, past the end in a last short call."""
        given = min(batch + 1, self.params["steps"])
        self._after_step(self._first_step + given, logs or {})
