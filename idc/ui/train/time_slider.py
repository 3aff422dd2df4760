"""A slider through the frames of a watched slide; see ``time_slider.js``.

The frames are sent once, with one byte per patch, and the slider works in the browser. It follows
the newest frame until the visitor moves it back.
"""

import base64
import hashlib
from collections.abc import Sequence

import numpy as np

from idc.runs.watched_slide import Frame
from idc.ui.components.own_component import own_component

_MAX_FRAMES = 120

_view = own_component(__file__, "slider", "play_bar")


def time_slider(timeline_id: str, frames: Sequence[Frame], *, steps: int, key: str) -> None:
    """Show the slider; `idc.ui.components.slide_viewer.slide_viewer` shows its frame.

    Args:
        timeline_id: connects slider and viewer. A new timeline starts at its newest frame.
        frames: of one case, oldest first.
        steps: steps per epoch.
    """
    shown = thinned_frames(frames)
    names = [f"{frame.epoch}-{frame.step}" for frame in shown]
    digest = hashlib.blake2b(digest_size=8)
    for name, frame in zip(names, shown, strict=True):
        digest.update(name.encode() + frame.levels)
    _view(
        key=key,
        data={
            "timeline_id": timeline_id,
            "label": "Point in the training",
            "content": digest.hexdigest(),
            "frames": [
                {
                    "name": name,
                    "title": frame_title(frame, steps),
                    "levels": base64.b64encode(frame.levels).decode("ascii"),
                }
                for name, frame in zip(names, shown, strict=True)
            ],
        },
    )


def thinned_frames(frames: Sequence[Frame], max_frames: int = _MAX_FRAMES) -> list[Frame]:
    """At most `max_frames` frames, evenly spaced, including the first and the newest."""
    positions = np.linspace(0, len(frames) - 1, min(max_frames, len(frames)))
    return [frames[i] for i in positions.round().astype(int)]


def frame_title(frame: Frame, steps: int) -> str:
    """A frame's position in the training: "at the start", "after epoch 2", "epoch 3, step 40"."""
    if frame.step:
        return f"epoch {frame.epoch + 1}, step {frame.step} of {steps}"
    return f"after epoch {frame.epoch}" if frame.epoch else "at the start"
