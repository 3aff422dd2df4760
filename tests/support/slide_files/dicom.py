"""DICOM whole slides: a series of files, one for each level."""

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, VLWholeSlideMicroscopyImageStorage, generate_uid

_TILE_PX = 64


def write_series(paths: list[Path], levels: list[np.ndarray], *, mpp_um: float) -> list[Path]:
    """Write one file per level.

    Args:
        levels: uint8 RGB, shape (height, width, 3), the largest first.
        mpp_um: micrometres per px of the largest.
    """
    series = {f"{name}InstanceUID": generate_uid() for name in ("Study", "Series")}
    series["FrameOfReferenceUID"] = generate_uid()
    for path, rgb in zip(paths, levels, strict=True):
        downsample = levels[0].shape[1] / rgb.shape[1]
        _write_level(path, rgb, mpp_um * downsample, series, is_reduced=rgb is not levels[0])
    return paths


def write_other_image(path: Path) -> Path:
    """A DICOM file of a computed tomography, without pixels."""
    image = _dataset(SOPClassUID="1.2.840.10008.5.1.4.1.1.2", Modality="CT")
    return _save(path, image)


def _write_level(
    path: Path, rgb: np.ndarray, mpp_um: float, series: dict[str, str], *, is_reduced: bool
) -> None:
    height, width = rgb.shape[:2]
    down, across = -(-height // _TILE_PX), -(-width // _TILE_PX)
    padded = np.full((down * _TILE_PX, across * _TILE_PX, 3), 255, np.uint8)
    padded[:height, :width] = rgb
    tiles = padded.reshape(down, _TILE_PX, across, _TILE_PX, 3).swapaxes(1, 2)
    spacing = _dataset(PixelSpacing=[mpp_um / 1000] * 2, SliceThickness=0.001)
    origin = _dataset(XOffsetInSlideCoordinateSystem=0, YOffsetInSlideCoordinateSystem=0)
    kind = ["DERIVED", "PRIMARY", "VOLUME", "RESAMPLED"]
    image = _dataset(
        **series,
        SOPClassUID=VLWholeSlideMicroscopyImageStorage,
        Modality="SM",
        ImageType=kind if is_reduced else ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"],
        SamplesPerPixel=3,
        PhotometricInterpretation="RGB",
        PlanarConfiguration=0,
        Rows=_TILE_PX,
        Columns=_TILE_PX,
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        PixelRepresentation=0,
        NumberOfFrames=down * across,
        TotalPixelMatrixColumns=width,
        TotalPixelMatrixRows=height,
        TotalPixelMatrixFocalPlanes=1,
        NumberOfOpticalPaths=1,
        DimensionOrganizationType="TILED_FULL",
        ImagedVolumeWidth=width * mpp_um / 1000,
        ImagedVolumeHeight=height * mpp_um / 1000,
        ImagedVolumeDepth=0.001,
        ImageOrientationSlide=[0, 1, 0, 1, 0, 0],
        TotalPixelMatrixOriginSequence=[origin],
        SharedFunctionalGroupsSequence=[_dataset(PixelMeasuresSequence=[spacing])],
        PixelData=np.ascontiguousarray(tiles).tobytes(),
    )
    _save(path, image)


def _dataset(**elements: object) -> Dataset:
    dataset = Dataset()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


def _save(path: Path, image: Dataset) -> Path:
    image.SOPInstanceUID = generate_uid()
    image.file_meta = FileMetaDataset()
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.save_as(path, enforce_file_format=True)
    return path
