"""The slider through a watched slide: the selected frames and their titles."""

from idc.runs.watched_slide import Frame
from idc.ui.train.time_slider import frame_title, thinned_frames


def frame(epoch, step=0):
    return Frame(7, epoch, step, 0.0, b"")


def test_frame_titles_state_epoch_and_step():
    places = [(0, 0), (0, 40), (2, 0), (2, 1)]
    assert [frame_title(frame(*place), steps=60) for place in places] == [
        "at the start",
        "epoch 1, step 40 of 60",
        "after epoch 2",
        "epoch 3, step 1 of 60",
    ]


def test_frames_are_thinned_evenly_and_both_ends_are_kept():
    frames = [frame(epoch) for epoch in range(11)]

    assert [one.epoch for one in thinned_frames(frames, max_frames=3)] == [0, 5, 10]
    assert thinned_frames(frames[:2], max_frames=3) == frames[:2]
    assert thinned_frames([]) == []
