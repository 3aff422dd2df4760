"""Small whole-slide files, annotations of QuPath, and region predictions with exact values."""

import json
from pathlib import Path

import numpy as np
import tifffile

from idc.imaging.tiling import Tiling
from idc.large_images.region import RegionLayout, RegionPredictions
from idc.uploads.annotation_parser import parse_annotations
from idc.uploads.annotations import Annotation, Annotations

PINK = (225, 150, 190)
GLASS = (244, 242, 245)


def tissue_squares(
    width: int, height: int, side: int, squares: list[tuple[int, int]]
) -> np.ndarray:
    """Glass with pink squares at (row, column) of a grid: uint8 RGB, shape (height, width, 3)."""
    rgb = np.full((height, width, 3), GLASS, np.uint8)
    for row, column in squares:
        rgb[row * side : (row + 1) * side, column * side : (column + 1) * side] = PINK
    return rgb


def write_slide(
    path: Path, rgb: np.ndarray, *, mpp_um: float, levels: tuple[int, ...] = (4,)
) -> Path:
    """Write a tiled TIFF with smaller levels; an Aperio file if the suffix is ``.svs``."""
    about = f"Aperio Image Library v11\n{rgb.shape[1]}x{rgb.shape[0]} |MPP = {mpp_um}"
    with tifffile.TiffWriter(path) as file:
        for level in (1, *levels):
            file.write(
                np.ascontiguousarray(rgb[::level, ::level]),
                tile=(64, 64),
                photometric="rgb",
                description=about if path.suffix == ".svs" else None,
                metadata=None,
                subfiletype=int(level > 1),
                resolution=(1e4 / mpp_um / level,) * 2,
                resolutionunit="CENTIMETER",
            )
    return path


def write_scn(
    path: Path, rgb: np.ndarray, *, size: tuple[int, int], at: tuple[int, int], mpp_um: float
) -> Path:
    """Write a Leica SCN slide of ``size`` (width, height) px, of which ``rgb`` was scanned at x, y.

    OpenSlide reports the scanned box as the slide's bounds.
    """
    nm = 1000 * mpp_um
    whole = (round(size[0] * nm), round(size[1] * nm))
    macro = np.full((60, 80, 3), GLASS, np.uint8)
    images = [(macro, whole, (0, 0), 0.6), (rgb, None, at, 10)]
    texts = []
    for ifd, (pixels, view, offset, objective) in enumerate(images):
        height, width = pixels.shape[:2]
        view_nm = view or (round(width * nm), round(height * nm))
        texts.append(
            f'<image><creationDate>2026-01-01T00:00:00Z</creationDate><device model="m"/>'
            f'<pixels sizeX="{width}" sizeY="{height}">'
            f'<dimension sizeX="{width}" sizeY="{height}" r="0" ifd="{ifd}"/></pixels>'
            f'<view sizeX="{view_nm[0]}" sizeY="{view_nm[1]}"'
            f' offsetX="{round(offset[0] * nm)}" offsetY="{round(offset[1] * nm)}"/>'
            f"<scanSettings><objectiveSettings><objective>{objective}</objective>"
            "</objectiveSettings><illuminationSettings><numericalAperture>0.4</numericalAperture>"
            "<illuminationSource>brightfield</illuminationSource></illuminationSettings>"
            "</scanSettings></image>"
        )
    about = (
        '<scn xmlns="http://www.leica-microsystems.com/scn/2010/10/01">'
        f'<collection sizeX="{whole[0]}" sizeY="{whole[1]}"><barcode/>{"".join(texts)}'
        "</collection></scn>"
    )
    with tifffile.TiffWriter(path, bigtiff=True) as file:
        for number, (pixels, *_) in enumerate(images):
            file.write(
                pixels,
                tile=(128, 128),
                photometric="rgb",
                compression="deflate",
                description=None if number else about,
                metadata=None,
                resolution=(1e4 / mpp_um,) * 2,
                resolutionunit="CENTIMETER",
            )
    return path


def made_answers(
    tiles: list[list[float]], *, mpp_um: float = 4.0, stride: int = 50
) -> RegionPredictions:
    """Predictions of a region of whole tiles; tissue wherever ``tiles`` is not nan."""
    array = np.array(tiles, np.float32)
    rows, columns = (50 + stride * (count - 1) for count in array.shape)
    tiling = Tiling(columns, rows, stride)
    factor = 4.0 / mpp_um
    tissue = ~np.isnan(tiling.cell_means(array))
    layout = RegionLayout(int(columns * factor), int(rows * factor), mpp_um, tiling, tissue)
    return RegionPredictions(layout, array)


def box_feature(name: str | None, x: float, y: float, right: float, bottom: float, **properties):
    """A Feature with a rectangle."""
    ring = [[x, y], [right, y], [right, bottom], [x, bottom], [x, y]]
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"objectType": "annotation", "name": name, **properties},
    }


def annotation_bytes(*features) -> bytes:
    """The bytes of a GeoJSON file."""
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def made_annotations(*features) -> Annotations:
    """The same, parsed in this process."""
    found = parse_annotations(annotation_bytes(*features))
    areas = [
        Annotation(name, tuple(polygons))
        for name, polygons in zip(found.names, found.polygons, strict=True)
    ]
    return Annotations("a.geojson", "0" * 64, tuple(areas))
