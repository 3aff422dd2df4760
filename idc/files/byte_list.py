"""A compact list of byte strings: half a million names without half a million objects."""

from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate, islice, pairwise
from typing import overload


class BytesList(Sequence[bytes]):
    """A list of byte strings, concatenated in memory: their bytes and 8 more each."""

    def __init__(self) -> None:
        self._joined = bytearray()
        self._ends = array("q", [0])

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, number: int) -> bytes: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[bytes]: ...
    def __getitem__(self, number: int | slice) -> bytes | Sequence[bytes]:
        if isinstance(number, slice):
            return [self[one] for one in range(*number.indices(len(self)))]
        if not 0 <= number < len(self):
            raise IndexError(number)
        return bytes(self._joined[self._ends[number] : self._ends[number + 1]])

    def __iter__(self) -> Iterator[bytes]:
        return (bytes(self._joined[start:end]) for start, end in pairwise(self._ends))

    def append(self, item: bytes) -> None:
        """Append one item."""
        self._joined += item
        self._ends.append(len(self._joined))

    def extend(self, items: Sequence[bytes]) -> None:
        """Append several items."""
        ends = accumulate(map(len, items), initial=len(self._joined))
        self._ends.extend(islice(ends, 1, None))
        self._joined += b"".join(items)
