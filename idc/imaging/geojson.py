"""GeoJSON as QuPath (0.4 or newer) reads it: objects with a class and measurements."""

import uuid
from typing import Any

import numpy as np

from idc.patches import CLASS_COLOURS, CLASS_NAMES


def feature(identity: str, rings: list[Any], **properties: Any) -> dict[str, Any]:
    """A polygon. The same identity gives the same id, so a second import does not duplicate it.

    Args:
        rings: closed rings of [x, y], the exterior first.
        properties: such as ``objectType``, ``name``, ``classification``, ``measurements``.
    """
    return {
        "type": "Feature",
        "id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"idc-lab/{identity}")),
        "geometry": {"type": "Polygon", "coordinates": rings},
        "properties": properties,
    }


def box_ring(box: np.ndarray) -> list[list[int]]:
    """The ring around a box: x, y, width, height."""
    x, y, width, height = box.tolist()
    return [[x, y], [x + width, y], [x + width, y + height], [x, y + height], [x, y]]


def closed_ring(ring: np.ndarray) -> list[list[int]]:
    """A ring (k, 2) with its first point repeated at the end."""
    return [*ring.tolist(), ring[0].tolist()]


def label_class(label: int, class_names: tuple[str, str] = CLASS_NAMES) -> dict[str, Any]:
    """The class of a label {0, 1}, with its colour."""
    return named_class(class_names[label], tuple(bytes.fromhex(CLASS_COLOURS[label][1:])))


def named_class(name: str, rgb: tuple[int, ...]) -> dict[str, Any]:
    """A class with a name and a colour."""
    return {"name": name, "color": list(rgb)}
