"""A run at one moment of its training: what a page draws, live or in a replay.

A replay is the same drawing fed with what the run had logged by then.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from idc.runs.log import RunLog
from idc.runs.run import Run, RunStatus
from idc.runs.watched_slide import Frame, read_frames

_SPEED_WINDOW_S = 10.0  # a replay's patches/s: over the steps of so many seconds before


@dataclass(frozen=True)
class RunSnapshot:
    """A run as it stands, or stood.

    Attributes:
        frames: of the watched slide, oldest first.
    """

    status: RunStatus
    log: RunLog
    frames: list[Frame]

    @property
    def steps(self) -> int:
        """Steps an epoch, at least 1."""
        logged = self.log.starts[-1]["steps"] if self.log.starts else 1
        return max(1, self.status.steps or logged)


def current_snapshot(run: Run) -> RunSnapshot:
    """The run as it stands now.

    Raises:
        RunError: ``status.json`` is unreadable.
    """
    return RunSnapshot(run.status(), run.log(), read_frames(run))


def logged_duration_s(final: RunSnapshot) -> float:
    """Seconds of training that a run has logged."""
    times = [epoch["elapsed_s"] for epoch in epochs_with_elapsed(final.log)]
    times += [step["elapsed_s"] for step in final.log.steps[-1:]]
    return max([0.0, *times, *(frame.elapsed_s for frame in final.frames)])


def snapshot_at(final: RunSnapshot, at_s: float, batch_size: int) -> RunSnapshot:
    """What a page showed after so many seconds of training; at the end, the run as it is.

    Args:
        whole: of a run that has ended.
        batch_size: of its settings, for the speed.
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
    """The epochs with ``elapsed_s``, when each was finished. Older logs tell their seconds only."""
    last_step = {step["epoch"]: step["elapsed_s"] for step in log.steps}
    timed: list[dict[str, Any]] = []
    for epoch in log.epochs:
        before = timed[-1]["elapsed_s"] if timed else 0.0
        known = epoch.get("elapsed_s")
        if known is None:
            known = max(before + epoch["seconds"], last_step.get(epoch["epoch"], 0.0))
        timed.append({**epoch, "elapsed_s": known})
    return timed


def _phase(last: dict[str, Any] | None, step: int, steps: int) -> str:
    if last is None:
        return "loading"
    return "validating" if step == steps else "training"


def _speed(steps: list[dict[str, Any]], steps_per_epoch: int, batch_size: int) -> float | None:
    """Patches a second over the last steps; None as long as there are too few."""
    recent = [s for s in steps[-400:] if s["elapsed_s"] >= steps[-1]["elapsed_s"] - _SPEED_WINDOW_S]
    # Validation lies between two epochs: only steps of the latest one count.
    recent = [step for step in recent if step["epoch"] == steps[-1]["epoch"]]
    if len(recent) < 2:
        return None
    done = sum(after["step"] - before["step"] for before, after in pairwise(recent))
    seconds = recent[-1]["elapsed_s"] - recent[0]["elapsed_s"]
    return done * batch_size / seconds if seconds > 0 and math.isfinite(done) else None
