"""The replay's clock and what the browser's commands do to it."""

from dataclasses import replace

import pytest

from idc.ui.train.replay import Playback

# A run of 300 s of training; its replay was begun when the clock showed 1,000 s.
BEGUN = Playback("run", end_s=300.0, since=1_000.0)


def tell(playback, now, do, value=None):
    return playback.after_command({"do": do, "value": value}, now)


def test_whole_run_takes_half_a_minute_at_first():
    assert [BEGUN.now_s(1_000.0 + s) for s in (0, 15, 30, 99)] == [0, 150, 300, 300]


@pytest.mark.parametrize("speed", [1.0, 2.0, 10.0, 60.0])
def test_speed_is_that_of_the_training_times_so_much(speed):
    playback = replace(BEGUN, speed=speed)
    assert playback.now_s(1_002.0) == 2 * speed


def test_changed_speed_goes_on_from_where_it_was():
    faster = tell(BEGUN, 1_003.0, "speed", 60.0)

    assert faster.now_s(1_003.0) == 30.0
    assert faster.now_s(1_004.0) == 90.0


def test_paused_replay_stands_still_and_goes_on_from_there():
    paused = tell(BEGUN, 1_003.0, "pause")
    assert paused.now_s(1_500.0) == 30.0
    assert tell(paused, 1_500.0, "play").now_s(1_501.0) == 40.0


def test_sought_place_lies_inside_the_run():
    assert tell(BEGUN, 1_001.0, "seek", 200).now_s(1_001.0) == 200.0
    assert tell(BEGUN, 1_001.0, "seek", 9e9).now_s(1_001.0) == 300.0
    assert tell(BEGUN, 1_001.0, "seek", -4.0).now_s(1_001.0) == 0.0


def test_play_at_the_end_begins_anew():
    ended = tell(BEGUN, 1_099.0, "pause")
    again = tell(ended, 1_100.0, "play")

    assert (again.now_s(1_100.0), again.playing) == (0.0, True)


@pytest.mark.parametrize(
    ("do", "value"), [("seek", "far"), ("speed", 7.0), ("speed", None), ("dance", 1), (None, None)]
)
def test_commands_that_make_no_sense_change_nothing(do, value):
    assert tell(BEGUN, 1_003.0, do, value) is BEGUN


def test_browser_sees_by_the_number_that_its_clock_is_out_of_date():
    assert tell(tell(BEGUN, 1_001.0, "pause"), 1_002.0, "seek", 5.0).number == 2
