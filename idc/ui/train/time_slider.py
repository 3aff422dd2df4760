"""A slider through the frames of a watched slide; see ``time_slider.js``.

The frames travel once, a byte a patch, and moving through time stays in the browser. As long as
nobody goes back it follows the newest frame.
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
        timeline_id: the id that the slider and the viewer share. Another timeline starts at its
            newest frame.
        frames: of one case, oldest first.
        steps: steps an epoch.
    """
    shown = thinned_frames(frames)
    names = [f"{frame.epoch}-{frame.step}" for frame in shown]
    digest = hashlib.blake2b(digest_size=8)
    for name, frame in zip(names, shown, strict=True):
        digest.update(name.encode() + frame.levels)
    _view(
        key=key,
        data={
            "film": timeline_id,
            "label": "Moment of the training",
            "content": digest.hexdigest(),
            "frames": [
                {
                    "name": name,
                    "title": frame_words(frame, steps),
                    "levels": base64.b64encode(frame.levels).decode("ascii"),
                }
                for name, frame in zip(names, shown, strict=True)
            ],
        },
    )


def thinned_frames(frames: Sequence[Frame], most: int = _MAX_FRAMES) -> list[Frame]:
    """At most so many frames, evenly chosen, the first and the newest among them."""
    places = np.linspace(0, len(frames) - 1, min(most, len(frames)))
    return [frames[i] for i in places.round().astype(int)]


def frame_words(frame: Frame, steps: int) -> str:
    """Where in the training a frame lies: "at the start", "after epoch 2", "epoch 3, step 40"."""
    if frame.step:
        return f"epoch {frame.epoch + 1}, step {frame.step} of {steps}"
    return f"after epoch {frame.epoch}" if frame.epoch else "at the start"
