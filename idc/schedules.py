"""Learning rates that change with the step."""

import math

import keras
from keras import ops

_WARM_UP_SHARE = 0.3
_START = 1 / 10  # of the peak
_END = 1 / 1000


def one_cycle(peak: float, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """Up to ``peak`` over the first 30 % of the steps, then down along a cosine to almost 0.

    Smith & Topin 2018 (arXiv:1708.07120) call it the one-cycle policy.
    """
    return OneCycle(peak, steps)


class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """The schedule that `one_cycle` makes. Beyond its last step the rate stays at the end value."""

    def __init__(self, peak: float, steps: int) -> None:
        super().__init__()
        self._peak, self._steps = peak, max(1, steps)

    def __call__(self, step: int) -> float:
        warm_up = self._steps * _WARM_UP_SHARE
        at = ops.cast(step, "float32")
        up = _START + (1 - _START) * (1 - ops.cos(math.pi * ops.minimum(at / warm_up, 1.0))) / 2
        passed = ops.clip((at - warm_up) / max(1.0, self._steps - warm_up), 0.0, 1.0)
        down = _END + (1 - _END) * (1 + ops.cos(math.pi * passed)) / 2
        return self._peak * ops.where(at < warm_up, up, down)

    def get_config(self) -> dict[str, float]:
        """What Keras needs to save it."""
        return {"peak": self._peak, "steps": self._steps}
