"""Image files of zips and folders as pictures, decoded by the gate."""

from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np

from idc.files.sources import Source
from idc.uploads.gate import decode_image

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")


class ImagePictures:
    """See `idc.ingest.layouts.plan.Pictures`.

    Args:
        members: number of the source and of the file in it, for each picture.
        paths: shown in errors.
    """

    def __init__(
        self, sources: Sequence[Source], members: Sequence[tuple[int, int]], paths: Sequence[str]
    ) -> None:
        self._sources, self._members, self._paths = sources, members, paths

    def read(self, number: int) -> np.ndarray:
        source, member = self._members[number]
        return decode_image(self._sources[source].read(member), self._paths[number]).rgb

    def stated_mpp_um(self, number: int) -> float | None:
        """The scale that the file states; None without one.

        Raises:
            UnreadableMember, UploadError: as `read`.
        """
        source, member = self._members[number]
        return decode_image(self._sources[source].read(member), self._paths[number]).mpp_um


def is_picture(path: str) -> bool:
    """Whether a path is that of an image, and not a hidden file or a system's leftover."""
    name = PurePosixPath(path)
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in name.parts)
    return not hidden and name.suffix.lower() in IMAGE_SUFFIXES
