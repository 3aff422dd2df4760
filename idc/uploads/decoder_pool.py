"""The gate's children: how many decode at once, under which limits, and in whose turn."""

import os
import time
from dataclasses import dataclass
from typing import Any

from idc.processes.child import Answer, Child, ChildDied
from idc.processes.fair_semaphore import FairSemaphore
from idc.uploads.resolution import plausible_mpp

MAX_SIDE_PX = 16_384
MAX_PIXELS = 100 * 10**6
MAX_EXPANSION_RATIO = (
    200  # bytes of pixels for each byte of a large picture; blank paper as JPEG has 190
)
MAX_WAIT_S = 20.0  # behind other visitors' files, at least ...
MAX_QUEUED_AHEAD = 3  # ... and in any case behind so many that take all the time they may
IMAGES_PER_CHILD = 500
DECODERS = min(4, max(2, os.cpu_count() or 1))
MAX_STANDARD_BYTES = 32 * 2**20  # a larger file would not fit the usual memory beside its pixels

_MIN_TIMEOUT_S = 0.1  # what is left of a time limit may be nothing


@dataclass(frozen=True)
class DecodeLimits:
    """What a child may spend on one file.

    Attributes:
        max_pixels: a picture with more goes to the child with larger limits, or is refused.
        time_s: the child's start and a second try after a crash included.
        memory_bytes: of the child's address space.
    """

    max_pixels: int
    time_s: float
    memory_bytes: int


STANDARD_LIMITS = DecodeLimits(
    max_pixels=16 * 10**6, time_s=4.5, memory_bytes=512 * 2**20
)  # 1 s and 300 MB do
LARGE_LIMITS = DecodeLimits(max_pixels=MAX_PIXELS, time_s=20.0, memory_bytes=1536 * 2**20)

# A loader may need these to find its libraries. Everything else, secrets above all, stays here.
_INHERITED_VARIABLES = ("LANG", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH")


class DecoderPool:
    """Children that decode under the same limits, each one image at a time.

    Whoever comes first finds a decoder first. The one that was used last is taken first, so no
    more are started than are needed at once.
    """

    def __init__(self, limits: DecodeLimits, count: int, images_per_child: int) -> None:
        self.limits = limits
        self.idle = [
            Child(
                "idc.uploads.decoder_worker",
                inherit=_INHERITED_VARIABLES,
                max_answer_bytes=3 * limits.max_pixels,
                max_questions=images_per_child,
            )
            for _ in range(count)
        ]
        # Patience no longer than one file's time would end behind two slow ones, for everybody.
        self.turns = FairSemaphore(
            count, acquire_timeout_s=max(MAX_WAIT_S, MAX_QUEUED_AHEAD * limits.time_s)
        )

    def ask(self, question: dict[str, Any], data: bytes) -> Answer:
        """Ask the next free decoder; the wait for it is not in the time limit.

        Raises:
            NoTurn: none was free in time.
            ChildTimeout: the file took too long.
            ChildDied: it ended two children, or made one lie.
        """
        question = question | {"max_memory_bytes": self.limits.memory_bytes}
        with self.turns:
            child = self.idle.pop()
            try:
                return self._ask(child, question, data)
            finally:
                self.idle.append(child)

    def _ask(self, child: Child, question: dict[str, Any], data: bytes) -> Answer:
        end = time.monotonic() + self.limits.time_s
        try:
            answer, block = child.ask(question, data, timeout_s=self.limits.time_s)
        except ChildDied:
            # Once more: the child may have been dead or dying before it saw this file.
            left_s = max(end - time.monotonic(), _MIN_TIMEOUT_S)
            answer, block = child.ask(question, data, timeout_s=left_s)
        if not _is_valid_answer(answer, question, len(block)):
            child.close()
            raise ChildDied
        return answer, block

    def close(self) -> None:
        """End the children that decode nothing now."""
        for child in self.idle:
            child.close()


def _is_valid_answer(answer: dict[str, Any], question: dict[str, Any], block_bytes: int) -> bool:
    """Whether an answer is one of `idc.uploads.decoder_worker.answer`'s; the child may speak for a
    file's maker.

    Args:
        block_bytes: how many came with it.
    """
    if answer.get("ok") is not True:
        to_large = answer.get("large") is True and not question["large"]
        return to_large or isinstance(answer.get("reason"), str)
    height, width, notes, mpp_um = (
        answer.get(key) for key in ("height", "width", "notes", "um_per_px")
    )
    return (
        type(height) is int
        and type(width) is int
        and 0 < height <= MAX_SIDE_PX
        and 0 < width <= MAX_SIDE_PX
        and block_bytes == (0 if question["header"] else 3 * height * width)
        and isinstance(notes, list)
        and mpp_um == plausible_mpp(mpp_um)
    )
