"""The state of a run at a point in time, for pages that show it live or replay it.

A replay draws the same charts from the part of the log written until that time.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from idc.runs.log import RunLog
from idc.runs.run import Run, RunStatus
from idc.runs.watched_slide import Frame, read_frames

_SPEED_WINDOW_S = 10.0  # a replay averages patches/s over this window


@dataclass(frozen=True)
class RunSnapshot:
    """A run's status, log and frames at a point in time.

    Attributes:
        frames: frames of the watched slide, oldest first.
    """

    status: RunStatus
    log: RunLog
    frames: list[Frame]

    @property
    def steps(self) -> int:
        """Steps per epoch, at least 1."""
        logged = self.log.starts[-1]["steps"] if self.log.starts else 1
        return max(1, self.status.steps or logged)


def current_snapshot(run: Run) -> RunSnapshot:
    """The current state of a run.

    Raises:
        RunError: ``status.json`` is unreadable.
    """
    return RunSnapshot(run.status(), run.log(), read_frames(run))


def logged_duration_s(final: RunSnapshot) -> float:
    """The logged training time in seconds."""
    times = [epoch["elapsed_s"] for epoch in epochs_with_elapsed(final.log)]
    times += [step["elapsed_s"] for step in final.log.steps[-1:]]
    return max([0.0, *times, *(frame.elapsed_s for frame in final.frames)])


def snapshot_at(final: RunSnapshot, at_s: float, batch_size: int) -> RunSnapshot:
    """The state after ``at_s`` seconds of training; the final state after the end.

    Args:
        final: snapshot of a run that has ended.
        batch_size: the run's batch size, for the speed.
    """
    end_s = logged_duration_s(final)
    if at_s >= end_s:
        return final
    log = RunLog(
        steps=[step for step in final.log.steps if step["elapsed_s"] <= at_s],
        epochs=[epoch for epoch in epochs_with_elapsed(final.log) if epoch["elapsed_s"] <= at_s],
        starts=final.log.starts,
    )
    frames = [frame for frame in final.frames if frame.elapsed_s <= at_s]
    epoch, last = len(log.epochs), log.steps[-1] if log.steps else None
    step = last["step"] if last and last["epoch"] > epoch else 0
    phase = _phase(last, step, final.steps)
    status = RunStatus(
        state="running",
        phase=phase,
        epochs=final.status.epochs,
        epoch=epoch,
        step=step,
        steps=final.steps,
        patches_per_s=_speed(log.steps, final.steps, batch_size),
        left_s=None if phase == "loading" else end_s - at_s,
    )
    return RunSnapshot(status, log, frames)


def epochs_with_elapsed(log: RunLog) -> list[dict[str, Any]]:
    """The epochs with ``elapsed_s``, their end; older logs only have ``seconds``."""
    last_step = {step["epoch"]: step["elapsed_s"] for step in log.steps}
    timed: list[dict[str, Any]] = []
    for epoch in log.epochs:
        before = timed[-1]["elapsed_s"] if timed else 0.0
        elapsed_s = epoch.get("elapsed_s")
        if elapsed_s is None:
            elapsed_s = max(before + epoch["seconds"], last_step.get(epoch["epoch"], 0.0))
        timed.append({**epoch, "elapsed_s": elapsed_s})
    return timed


def _phase(last: dict[str, Any] | None, step: int, steps: int) -> str:
    if last is None:
        return "loading"
    return "validating" if step == steps else "training"


def _speed(steps: list[dict[str, Any]], steps_per_epoch: int, batch_size: int) -> float | None:
    """Patches per second over the last steps; None with fewer than two steps."""
    recent = [s for s in steps[-400:] if s["elapsed_s"] >= steps[-1]["elapsed_s"] - _SPEED_WINDOW_S]
    # Use the latest epoch only: there is a validation between two epochs.
    recent = [step for step in recent if step["epoch"] == steps[-1]["epoch"]]
    if len(recent) < 2:
        return None
    steps_taken = sum(after["step"] - before["step"] for before, after in pairwise(recent))
    seconds = recent[-1]["elapsed_s"] - recent[0]["elapsed_s"]
    if seconds <= 0 or not math.isfinite(steps_taken):
        return None
    return steps_taken * batch_size / seconds
