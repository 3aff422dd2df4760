"""Storage quotas for uploads: per file, per visitor, and for all visitors together.

An upload reserves its size before its bytes are read, and reservations count as stored. Otherwise
many simultaneous uploads would each find enough free space.
"""

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from idc.errors import UploadError
from idc.uploads.gate import MAX_FILE_BYTES
from idc.wording import format_bytes

MAX_OWNER_BYTES = 300 * 10**6
MAX_OWNER_FILES = 1_000
MAX_TOTAL_BYTES = 1_000 * 10**6

_FORM_OVERHEAD_BYTES = 10_000  # headers and boundaries around a file in a form
_MAX_REFUSALS = 1_000


class QuotaExceeded(UploadError):
    """An upload does not fit into a quota."""


@dataclass(frozen=True)
class StorageUsage:
    """What one owner stores on the server."""

    files: int = 0
    bytes: int = 0


NO_USAGE = StorageUsage()


class Quota:
    """Limits on stored uploads. Thread-safe.

    Args:
        usage: returns what is stored now, by owner.
        file_bytes, owner_bytes, owner_files, total_bytes: the limits.
    """

    def __init__(
        self,
        usage: Callable[[], Mapping[str, StorageUsage]],
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
        self._usage = usage
        self._pending: list[Reservation] = []
        self._refusals: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def usage_of(self, owner: str) -> StorageUsage:
        """What an owner stores, without uploads in progress."""
        return self._usage().get(owner, NO_USAGE)

    @contextlib.contextmanager
    def reserve(self, owner: str, expected_bytes: int = 0) -> Iterator["Reservation"]:
        """Reserve space for one upload until it is stored or discarded.

        Args:
            expected_bytes: the announced size; `Reservation.grow` reserves more.

        Raises:
            QuotaExceeded: the upload does not fit.
        """
        reservation = Reservation(self, owner)
        with self._lock:
            self._pending.append(reservation)
        try:
            reservation.grow(expected_bytes)
            yield reservation
        finally:
            with self._lock:
                self._pending.remove(reservation)

    def refusal(self, owner: str) -> str:
        """Why the owner's last upload was refused; "" if none was or it was forgotten."""
        return self._refusals.get(owner, "")

    def forget_refusal(self, owner: str) -> None:
        """Clear `refusal`: the owner has read it, or has deleted files."""
        self._refusals.pop(owner, None)

    def claim(self, reservation: "Reservation", size: int) -> None:
        """Set a reservation's size; see `Reservation.grow`."""
        with self._lock:
            sentence = self._refusal_sentence(reservation, size)
            if not sentence:
                reservation.bytes = size
                return
            self._refusals[reservation.owner] = sentence
            if len(self._refusals) > _MAX_REFUSALS:
                self._refusals.popitem(last=False)
        raise QuotaExceeded(sentence)

    def _refusal_sentence(self, reservation: "Reservation", size: int) -> str:
        """Why a reservation of this size does not fit; "" if it does."""
        if size > self.file_bytes + _FORM_OVERHEAD_BYTES:
            return (
                f"A file of more than {format_bytes(self.file_bytes)} is not accepted; predict "
                "an image as a whole slide, or split the zip into parts."
            )
        usage = self._usage()
        others = [pending for pending in self._pending if pending is not reservation]
        own_pending = [pending for pending in others if pending.owner == reservation.owner]
        own = usage.get(reservation.owner, NO_USAGE)
        if own.files + len(own_pending) >= self.owner_files:
            return (
                f"You already store {self.owner_files:,} files, the limit for one visitor; remove "
                "some, or upload them as one zip."
            )
        if own.bytes + sum(pending.bytes for pending in own_pending) + size > self.owner_bytes:
            return (
                f"Your files would exceed {format_bytes(self.owner_bytes)}, the limit for one "
                "visitor; remove some and upload this one again."
            )
        stored_bytes = sum(stored.bytes for stored in usage.values())
        pending_bytes = sum(pending.bytes for pending in others)
        if stored_bytes + pending_bytes + size > self.total_bytes:
            return "The server's storage for uploads is full; try again in a few minutes."
        return ""


class Reservation:
    """Space reserved for one upload.

    Attributes:
        owner: whose quota it counts against.
        bytes: reserved so far.
    """

    def __init__(self, quota: Quota, owner: str) -> None:
        self.owner = owner
        self.bytes = 0
        self._quota = quota

    def grow(self, size: int) -> None:
        """Reserve this many bytes in total.

        Raises:
            QuotaExceeded: the size does not fit; the earlier reservation stays.
        """
        self._quota.claim(self, size)
