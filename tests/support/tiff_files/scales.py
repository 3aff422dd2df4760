"""TIFFs that state their scale."""

import io

import numpy as np
import tifffile


def ome_text(
    across: str | None,
    down: str | None = "",
    *,
    unit: str | None = None,
    size: tuple[int, int] = (60, 60),
) -> str:
    """An OME header with PhysicalSizeX and, unless it is None, -Y, by default the same."""
    sides = {"X": across, "Y": across if down == "" else down}
    attributes = "".join(
        f' PhysicalSize{axis}="{value}"' + (f' PhysicalSize{axis}Unit="{unit}"' if unit else "")
        for axis, value in sides.items()
        if value is not None
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">'
        f'<Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" SizeX="{size[0]}" '
        f'SizeY="{size[1]}" SizeC="3" SizeZ="1" SizeT="1"{attributes}>'
        '<Channel ID="Channel:0:0" SamplesPerPixel="3"/><TiffData IFD="0"/></Pixels></Image></OME>'
    )


def scaled_tiff(
    description: str, *, pixels_per_cm: float | None = None, **options: object
) -> bytes:
    """A pink TIFF of 60 x 60 px with a description and, if given, resolution tags."""
    file = io.BytesIO()
    resolution = (
        {"resolution": (pixels_per_cm, pixels_per_cm), "resolutionunit": "CENTIMETER"}
        if pixels_per_cm
        else {}
    )
    rgb = np.full((60, 60, 3), (225, 150, 190), np.uint8)
    tifffile.imwrite(
        file,
        rgb,
        photometric="rgb",
        description=description.encode(),
        metadata=None,
        **resolution,
        **options,
    )
    return file.getvalue()
