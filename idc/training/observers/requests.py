"""Pause, resume, one epoch, stop: requests that reach a training run."""

import time
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from idc.processes.thread_job import StopRequested
from idc.runs import control
from idc.runs.device_queue import has_waiting_run
from idc.training.observers.observer import ExitWhilePaused, Observer
from idc.training.state import TrainingState

_MAX_PAUSE_S = 600.0  # a paused trainer keeps the network in memory for this long
_POLL_INTERVAL_S = 0.1


class RequestSource(Protocol):
    """Where requests come from, see `idc.runs.control.Requests`."""

    def poll(self) -> str:
        """The request that arrived since the last call; "" if none did."""


class RequestObserver(Observer):
    """Obeys requests between two steps and between two batches of the validation.

    Args:
        should_stop: whether the process is to end; the same as a stop request.
        listeners: receive `on_pause`, `on_resume` and `on_stop`.
        can_wait: whether a pause waits in this process; otherwise the process ends.
    """

    def __init__(
        self,
        requests: RequestSource,
        should_stop: Callable[[], bool],
        listeners: Observer,
        *,
        can_wait: bool = True,
    ) -> None:
        self._requests, self._should_stop = requests, should_stop
        self._listeners, self._can_wait = listeners, can_wait
        self._pause_after_epoch: int | None = None  # set by a one-epoch request

    def on_train_begin(self, state: TrainingState) -> None:
        self._check(state)

    def on_step_end(self, state: TrainingState) -> None:
        self._check(state)

    def on_validation_batch_end(self, state: TrainingState) -> None:
        self._check(state)

    def on_epoch_saved(
        self, state: TrainingState, entry: dict[str, Any], y_prob: np.ndarray
    ) -> None:
        if self._pause_after_epoch == state.history.epoch < state.epochs:
            self._pause(state)

    def _check(self, state: TrainingState) -> None:
        request = self._requests.poll()
        self._obey(state, control.STOP if self._should_stop() else request)

    def _obey(self, state: TrainingState, request: str) -> None:
        if request in (control.STOP, control.WITHDRAW):
            self._listeners.on_stop(state)
            raise StopRequested
        if request == control.PAUSE:
            self._pause(state)
        elif request == control.ONE_EPOCH:
            self._pause_after_epoch = state.history.epoch + 1
        elif request == control.RESUME:
            self._pause_after_epoch = None

    def _pause(self, state: TrainingState) -> None:
        self._pause_after_epoch = None
        self._listeners.on_pause(state)
        if not self._can_wait:
            raise ExitWhilePaused
        with state.stopwatch.paused():
            request = wait_while_paused(self._requests, self._should_stop)
        state.speed_meter.reset()
        self._listeners.on_resume(state)
        self._obey(state, request)


def wait_while_paused(requests: RequestSource, should_stop: Callable[[], bool]) -> str:
    """Wait for the request that ends a pause, and return it.

    Raises:
        ExitWhilePaused: another run waits for the device, no request arrived for 10 minutes, or
            the process is to end.
    """
    deadline = time.monotonic() + _MAX_PAUSE_S
    while (request := requests.poll()) in ("", control.PAUSE):
        if should_stop() or has_waiting_run() or time.monotonic() > deadline:
            raise ExitWhilePaused
        time.sleep(_POLL_INTERVAL_S)
    return request
