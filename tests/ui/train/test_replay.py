"""The replay's clock and the effect of the browser's commands."""

from dataclasses import replace

import pytest

from idc.ui.train.replay import Playback

# A run with 300 s of training, replayed from 1,000 s of the clock.
STARTED = Playback("run", end_s=300.0, since=1_000.0)


def after(playback, now, action, value=None):
    return playback.after_command({"action": action, "value": value}, now)


def test_default_speed_replays_the_run_in_30_s():
    assert [STARTED.now_s(1_000.0 + s) for s in (0, 15, 30, 99)] == [0, 150, 300, 300]


@pytest.mark.parametrize("speed", [1.0, 2.0, 10.0, 60.0])
def test_speed_multiplies_the_training_time(speed):
    playback = replace(STARTED, speed=speed)
    assert playback.now_s(1_002.0) == 2 * speed


def test_changed_speed_continues_from_the_same_position():
    faster = after(STARTED, 1_003.0, "speed", 60.0)

    assert faster.now_s(1_003.0) == 30.0
    assert faster.now_s(1_004.0) == 90.0


def test_paused_replay_resumes_from_the_same_position():
    paused = after(STARTED, 1_003.0, "pause")
    assert paused.now_s(1_500.0) == 30.0
    assert after(paused, 1_500.0, "play").now_s(1_501.0) == 40.0


def test_seek_is_limited_to_the_run():
    assert after(STARTED, 1_001.0, "seek", 200).now_s(1_001.0) == 200.0
    assert after(STARTED, 1_001.0, "seek", 9e9).now_s(1_001.0) == 300.0
    assert after(STARTED, 1_001.0, "seek", -4.0).now_s(1_001.0) == 0.0


def test_play_at_the_end_restarts_the_replay():
    ended = after(STARTED, 1_099.0, "pause")
    again = after(ended, 1_100.0, "play")

    assert (again.now_s(1_100.0), again.playing) == (0.0, True)


@pytest.mark.parametrize(
    ("do", "value"), [("seek", "far"), ("speed", 7.0), ("speed", None), ("dance", 1), (None, None)]
)
def test_invalid_commands_change_nothing(do, value):
    assert after(STARTED, 1_003.0, do, value) is STARTED


def test_every_command_increases_the_number():
    assert after(after(STARTED, 1_001.0, "pause"), 1_002.0, "seek", 5.0).number == 2
