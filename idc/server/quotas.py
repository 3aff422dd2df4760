"""How much visitors may keep on the server: a file, one visitor's files, and everybody's.

An upload asks for room before its bytes are read, and what is on its way counts as if it were here:
forty files at once would each find room enough otherwise.
"""

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from idc.errors import UploadError
from idc.uploads.gate import MAX_FILE_BYTES

MAX_OWNER_BYTES = 300 * 10**6
MAX_OWNER_FILES = 1_000
MAX_TOTAL_BYTES = 1_000 * 10**6

_FORM_OVERHEAD_BYTES = 10_000  # what a form puts around a file
_MAX_REFUSALS = 1_000


class QuotaExceeded(UploadError):
    """There is no room for an upload."""


@dataclass(frozen=True)
class StorageUsage:
    """What a visitor keeps on the server."""

    files: int = 0
    bytes: int = 0


NO_USAGE = StorageUsage()


class Quota:
    """Room for uploads.

    Args:
        kept: what is kept now, by owner.
        file_bytes, owner_bytes, owner_files, total_bytes: the most that is kept.
    """

    def __init__(
        self,
        kept: Callable[[], Mapping[str, StorageUsage]],
        *,
        file_bytes: int = MAX_FILE_BYTES,
        owner_bytes: int = MAX_OWNER_BYTES,
        owner_files: int = MAX_OWNER_FILES,
        total_bytes: int = MAX_TOTAL_BYTES,
    ) -> None:
        self.file_bytes = file_bytes
        self.owner_bytes = owner_bytes
        self.owner_files = owner_files
        self.total_bytes = total_bytes
        self._kept = kept
        self._pending: list[Reservation] = []
        self._refusals: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def usage_of(self, owner: str) -> StorageUsage:
        """What an owner keeps; what is on its way is not in it."""
        return self._kept().get(owner, NO_USAGE)

    @contextlib.contextmanager
    def room(self, owner: str, expected_bytes: int = 0) -> Iterator["Reservation"]:
        """Room for one more file, until it is kept or thrown away.

        Args:
            expected_bytes: as announced. What is not announced is asked for by `Room.grow`.

        Raises:
            OverQuota: there is none.
        """
        room = Reservation(self, owner)
        with self._lock:
            self._pending.append(room)
        try:
            room.grow(expected_bytes)
            yield room
        finally:
            with self._lock:
                self._pending.remove(room)

    def refusal(self, owner: str) -> str:
        """Why an upload of the owner's was refused; "" when none was, or it is forgotten."""
        return self._refusals.get(owner, "")

    def forget_refusal(self, owner: str) -> None:
        """The owner has read it, or has made room."""
        self._refusals.pop(owner, None)

    def claim(self, room: "Reservation", size: int) -> None:
        """Set a room's size; see `Room.grow`."""
        with self._lock:
            sentence = self._refusal_sentence(room, size)
            if not sentence:
                room.bytes = size
                return
            self._refusals[room.owner] = sentence
            if len(self._refusals) > _MAX_REFUSALS:
                self._refusals.popitem(last=False)
        raise QuotaExceeded(sentence)

    def _refusal_sentence(self, room: "Reservation", size: int) -> str:
        if size > self.file_bytes + _FORM_OVERHEAD_BYTES:
            return (
                f"A file of more than {_megabytes(self.file_bytes)} is not taken; crop or shrink "
                "the picture, or send a zip in parts."
            )
        kept, coming = self._kept(), [other for other in self._pending if other is not room]
        own_pending = [other for other in coming if other.owner == room.owner]
        own = kept.get(room.owner, NO_USAGE)
        if own.files + len(own_pending) >= self.owner_files:
            return (
                f"You keep {self.owner_files:,} files here, the most for one visitor; remove some, "
                "or send them as one zip."
            )
        if own.bytes + sum(other.bytes for other in own_pending) + size > self.owner_bytes:
            return (
                f"Your files fill the {_megabytes(self.owner_bytes)} that one visitor may keep "
                "here; remove some and send this one again."
            )
        everything = sum(of.bytes for of in kept.values()) + sum(other.bytes for other in coming)
        if everything + size > self.total_bytes:
            return (
                "The visitors' files together fill the room that the server has for them; try "
                "again in a few minutes."
            )
        return ""


class Reservation:
    """Room that one upload has been given."""

    def __init__(self, quota: Quota, owner: str) -> None:
        self.owner = owner
        self.bytes = 0
        self._quota = quota

    def grow(self, size: int) -> None:
        """Make sure of room for so many bytes in all.

        Raises:
            OverQuota: there is none; what was given before stays.
        """
        self._quota.claim(self, size)


def _megabytes(count: int) -> str:
    return f"{count / 10**6:,.3g} MB"
