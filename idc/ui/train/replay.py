"""The replay of an ended run: its clock, kept in the visitor's session, and its controls.

The clock runs here; the browser (``replay.js``) only interpolates between two redraws.
"""

import time
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from idc.runs.run import Run
from idc.runs.snapshot import RunSnapshot, logged_duration_s, snapshot_at
from idc.ui.components.own_component import own_component
from idc.ui.shared.guard import guarded

_STATE_KEY = "replay"
_KEY = "replay_bar"
_FIT_DURATION_S = 30.0
_FIT_SPEED = 0.0  # the speed at which the whole run takes `_FIT_DURATION_S`
_SPEEDS = {"real time": 1.0, "2×": 2.0, "10×": 10.0, "60×": 60.0, "in 30 s": _FIT_SPEED}

_view = own_component(__file__, "slider", "play_bar")


@dataclass(frozen=True)
class Playback:
    """The state of a visitor's replay.

    Attributes:
        run: id of the run.
        end_s: duration of the training.
        since: time of the last command (`time.monotonic`).
        at_s: seconds of training shown at the time ``since``.
        speed: a value of `_SPEEDS`.
        number: of commands so far; tells the browser that its own clock is outdated.
    """

    run: str
    end_s: float
    since: float
    at_s: float = 0.0
    speed: float = _FIT_SPEED
    playing: bool = True
    number: int = 0

    def now_s(self, now: float) -> float:
        """Seconds of training shown at a time of the clock, at most ``end_s``."""
        if not self.playing:
            return self.at_s
        return min(self.end_s, self.at_s + (now - self.since) * self.factor)

    @property
    def factor(self) -> float:
        """Seconds of training per second of replay."""
        return self.speed or max(self.end_s / _FIT_DURATION_S, 1e-3)

    def after_command(self, command: dict[str, Any], now: float) -> "Playback":
        """The state after a command of the browser.

        Args:
            command: ``{"action": "play"}``, "pause", "seek" with ``value`` in seconds, or
                "speed" with ``value``. Any other command changes nothing.
            now: time of the command (`time.monotonic`).
        """
        at_s = self.now_s(now)
        here = replace(self, at_s=at_s, since=now, number=self.number + 1)
        action, value = command.get("action"), command.get("value")
        if action == "play":
            return replace(here, playing=True, at_s=0.0 if at_s >= self.end_s else at_s)
        if action == "pause":
            return replace(here, playing=False)
        if action == "seek" and isinstance(value, int | float):
            return replace(here, at_s=min(max(float(value), 0.0), self.end_s))
        if action == "speed" and isinstance(value, int | float) and value in _SPEEDS.values():
            return replace(here, speed=float(value))
        return self


def playback_of(run: Run) -> Playback | None:
    """This visitor's replay of the run; None if there is none."""
    playback = st.session_state.get(_STATE_KEY)
    return playback if playback is not None and playback.run == run.id else None


def is_playing(run: Run) -> bool:
    """Whether this visitor's replay of the run is playing."""
    playback = playback_of(run)
    return playback is not None and playback.playing


def replay_button(run: Run, whole: RunSnapshot) -> None:
    """A button that starts the replay, if the run has logged anything."""
    if logged_duration_s(whole) > 0:
        st.button(
            "Replay",
            icon=":material/replay:",
            key="replay_start",
            on_click=guarded(_start_replay),
            args=(run.id, logged_duration_s(whole)),
            help="Watch the training again as it appeared live, at a speed of your choice.",
        )


def replay_bar(playback: Playback) -> None:
    """Controls for play, pause, speed, position and closing the replay."""
    now = time.monotonic()
    _view(
        key=_KEY,
        data={
            "at": playback.now_s(now),
            "end": playback.end_s,
            "factor": playback.factor,
            "speed": playback.speed,
            "speeds": [[title, speed] for title, speed in _SPEEDS.items()],
            "playing": playback.playing and playback.now_s(now) < playback.end_s,
            "number": playback.number,
        },
        on_command_change=_take_command,
    )


def replay_snapshot(playback: Playback, current: RunSnapshot, run: Run) -> RunSnapshot:
    """The state of the run at the replay's position. Pauses the replay at its end."""
    at_s = playback.now_s(time.monotonic())
    if playback.playing and at_s >= playback.end_s:
        st.session_state[_STATE_KEY] = replace(playback, playing=False, at_s=playback.end_s)
    return snapshot_at(current, at_s, run.config.batch_size)


def _start_replay(run_id: str, end_s: float) -> None:
    st.session_state[_STATE_KEY] = Playback(run_id, end_s, time.monotonic())


def _take_command() -> None:
    command = st.session_state.get(_KEY, {}).get("command")
    playback = st.session_state.get(_STATE_KEY)
    if playback is None or not isinstance(command, dict):
        return
    if command.get("action") == "close":
        st.session_state[_STATE_KEY] = None
    else:
        st.session_state[_STATE_KEY] = playback.after_command(command, time.monotonic())
