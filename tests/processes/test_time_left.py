from idc.processes.time_left import time_left_s


def test_time_left_follows_the_average_speed():
    assert time_left_s(elapsed_s=10, done=200, remaining=800) == 40.0


def test_time_left_is_unknown_before_anything_is_done():
    assert time_left_s(elapsed_s=10, done=0, remaining=800) is None
