"""Pools of decoder processes: their number, their resource limits and the queue for them."""

import os
import time
from dataclasses import dataclass
from typing import Any

from idc.processes.child import Answer, Child, ChildDied
from idc.processes.environment import DECODER_VARIABLES
from idc.processes.fair_semaphore import FairSemaphore
from idc.uploads.resolution import plausible_mpp

MAX_SIDE_PX = 16_384
_MAX_STATED_SIDE_PX = 2**32  # of a header
MAX_PIXELS = 100 * 10**6
# Bytes of pixels per byte of a large image's file; a blank page as JPEG has 190.
MAX_EXPANSION_RATIO = 200
MAX_WAIT_S = 20.0  # the queue's timeout is the longer of this ...
MAX_QUEUED_AHEAD = 3  # ... and the time limits of this many files
IMAGES_PER_CHILD = 500
DECODERS = min(4, max(2, os.cpu_count() or 1))
MAX_STANDARD_BYTES = 32 * 2**20  # larger files and their pixels exceed the standard memory limit

_MIN_TIMEOUT_S = 0.1  # the lower bound of a retry's timeout


@dataclass(frozen=True)
class DecodeLimits:
    """Resource limits of a decoder for one file.

    Attributes:
        max_pixels: a larger image goes to the pool with larger limits, or is refused.
        time_s: includes the start of the process and a retry after a crash.
        memory_bytes: limit on the process's address space.
    """

    max_pixels: int
    time_s: float
    memory_bytes: int


STANDARD_LIMITS = DecodeLimits(
    max_pixels=16 * 10**6, time_s=4.5, memory_bytes=512 * 2**20
)  # 1 s and 300 MB are enough in practice
LARGE_LIMITS = DecodeLimits(max_pixels=MAX_PIXELS, time_s=20.0, memory_bytes=1536 * 2**20)


class DecoderPool:
    """Decoder processes with the same limits, each decoding one image at a time.

    Requests are served in order of arrival. The most recently used process is taken first, so no
    more are started than are needed at once.
    """

    def __init__(self, limits: DecodeLimits, count: int, images_per_child: int) -> None:
        self.limits = limits
        self.idle_children = [
            Child(
                "idc.uploads.decoder_worker",
                inherit=DECODER_VARIABLES,
                max_answer_bytes=3 * limits.max_pixels,
                max_questions=images_per_child,
            )
            for _ in range(count)
        ]
        # A timeout of one file's time limit would expire for everyone queued behind two slow files.
        self.semaphore = FairSemaphore(
            count, acquire_timeout_s=max(MAX_WAIT_S, MAX_QUEUED_AHEAD * limits.time_s)
        )

    def ask(self, request: dict[str, Any], data: bytes) -> Answer:
        """Send a file to the next free decoder; queueing does not count towards the time limit.

        Raises:
            AcquireTimeout: no decoder was free in time.
            ChildTimeout: the file took too long.
            ChildDied: the file crashed two processes, or a process gave an invalid answer.
        """
        request = request | {"max_memory_bytes": self.limits.memory_bytes}
        with self.semaphore:
            child = self.idle_children.pop()
            try:
                return self._ask(child, request, data)
            finally:
                self.idle_children.append(child)

    def _ask(self, child: Child, request: dict[str, Any], data: bytes) -> Answer:
        end = time.monotonic() + self.limits.time_s
        try:
            answer, block = child.ask(request, data, timeout_s=self.limits.time_s)
        except ChildDied:
            # Retry once: the process may have died before it received this file.
            left_s = max(end - time.monotonic(), _MIN_TIMEOUT_S)
            answer, block = child.ask(request, data, timeout_s=left_s)
        if not _is_valid_answer(answer, request, len(block)):
            child.close()
            raise ChildDied
        return answer, block

    def close(self) -> None:
        """End all idle processes."""
        for child in self.idle_children:
            child.close()


def _is_valid_answer(answer: dict[str, Any], request: dict[str, Any], block_bytes: int) -> bool:
    """Whether an answer follows `idc.uploads.decoder_worker.answer`. A hostile file may have taken
    over the process that sent it.

    Args:
        block_bytes: the size of the answer's block.
    """
    if answer.get("ok") is not True:
        needs_large_limits = answer.get("large") is True and not request["large"]
        sides = answer.get("larger_than_patch", [])
        if sides:
            return len(sides) == 2 and all(
                type(side) is int and 0 < side <= _MAX_STATED_SIDE_PX for side in sides
            )
        return needs_large_limits or isinstance(answer.get("reason"), str)
    height, width, notes, mpp_um, scale_note = (
        answer.get(key) for key in ("height", "width", "notes", "um_per_px", "scale_note")
    )
    return (
        type(height) is int
        and type(width) is int
        and 0 < height <= MAX_SIDE_PX
        and 0 < width <= MAX_SIDE_PX
        and block_bytes == (0 if request["header"] else 3 * height * width)
        and isinstance(notes, list)
        and isinstance(scale_note, str)
        and mpp_um == plausible_mpp(mpp_um)
    )
