"""Image files from paths, folders and zips, each decoded by the gate."""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from idc.errors import DataError, UploadError
from idc.files.sources import FolderSource, UnreadableMember, ZipSource, existing_path, read_file
from idc.imaging.rescaling import resize_notes, to_patch_size
from idc.patches import MPP_UM, PATCH_SIZE_PX
from idc.uploads.gate import MAX_FILE_BYTES, DecodedImage, decode_patch_image


@dataclass(frozen=True)
class ImageFile:
    """A file to predict: its bytes, or the problem that prevents reading it."""

    name: str
    data: bytes = b""
    problem: str = ""


def image_files(paths: list[Path]) -> Iterator[ImageFile]:
    """All files at the given paths, in the order given: files, folders (sorted) and zips.

    Raises:
        DataError: a path does not exist or cannot be accessed, or a zip or folder is unreadable.
    """
    for path in map(existing_path, paths):
        if path.is_dir():
            folder = FolderSource(path, MAX_FILE_BYTES)
            for number, name in enumerate(folder.names()):
                yield _image_file(str(path / name), functools.partial(folder.read, number))
        elif path.suffix.lower() == ".zip" and path.is_file():
            archive = ZipSource(path, MAX_FILE_BYTES)
            try:
                for number, name in enumerate(archive.names()):
                    shown = str(PurePosixPath(path) / name)
                    yield _image_file(shown, functools.partial(archive.read, number))
            finally:
                archive.close()
        elif path.is_file():
            yield _image_file(str(path), functools.partial(read_file, path, MAX_FILE_BYTES))
        else:
            raise DataError(f"'{path}' is neither a file nor a folder; check the path.")


@dataclass(frozen=True)
class PatchImage:
    """A file's image as a patch.

    Attributes:
        rgb: uint8 RGB, shape (side, side, 3).
        notes: what was done to the image, one sentence each.
    """

    rgb: np.ndarray
    notes: tuple[str, ...]


def read_patch(
    file: ImageFile, side_px: int = PATCH_SIZE_PX, mpp_um: float | None = MPP_UM
) -> PatchImage:
    """A file's image as a patch, decoded by the gate and resized.

    Args:
        side_px, mpp_um: side and scale of the model's patches.

    Raises:
        LargerThanPatch: it is a region.
        UploadError: the file is refused; the message states why.
    """
    if file.problem:
        raise UploadError(file.problem)
    return as_patch(decode_patch_image(file.data, file.name, side_px), side_px, mpp_um)


def as_patch(
    image: DecodedImage, side_px: int = PATCH_SIZE_PX, mpp_um: float | None = MPP_UM
) -> PatchImage:
    """A decoded image resized to a patch, with a note if it had another size."""
    notes = (*image.notes, *resize_notes(image.rgb, side_px, mpp_um))
    return PatchImage(to_patch_size(image.rgb, side_px), notes)


def _image_file(shown: str, read: Callable[[], bytes]) -> ImageFile:
    try:
        return ImageFile(shown, read())
    except UnreadableMember:
        limit = MAX_FILE_BYTES // 2**20
        return ImageFile(
            shown, problem=f"'{shown}' cannot be read: damaged, encrypted or over {limit} MB."
        )
