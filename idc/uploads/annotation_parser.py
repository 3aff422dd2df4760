"""Polygons of GeoJSON as QuPath exports it, parsed from untrusted bytes.

Read are a FeatureCollection, a list of Features, one Feature, or a bare geometry; objects may hold
others in ``childObjects``. Of these, the Polygons and MultiPolygons of annotations count. Other
geometries (points, lines) and QuPath's other objects (detections, cells, tiles, TMA cores) are
counted and ignored. Runs in `idc.uploads.annotation_worker`.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

MAX_ANNOTATIONS = 10_000
MAX_VERTICES = 10**6
MAX_COORDINATE = 10**9  # px; no image is that large
MAX_NAME_LENGTH = 100

_EXPORT_AGAIN = "export the annotations from QuPath as GeoJSON again"
_MAX_KINDS = 4  # of ignored objects that the note names
_POLYGONS = ("Polygon", "MultiPolygon")
_GEOMETRIES = (*_POLYGONS, "Point", "MultiPoint", "LineString", "MultiLineString")
_LEGACY_TYPES = {  # QuPath 0.2 states the type of an object as its id
    "PathAnnotationObject": "annotation",
    "PathDetectionObject": "detection",
    "PathCellObject": "cell",
    "PathTileObject": "tile",
    "TMACoreObject": "tmaCore",
    "PathRootObject": "root",
}

Ring = np.ndarray  # float64, shape (k, 2): x, y in px
Polygon = tuple[Ring, ...]  # the exterior, then the holes


class AnnotationRefusal(Exception):
    """Why a file is refused, to follow its name in a sentence."""


@dataclass
class ParsedAnnotations:
    """The polygons of a file.

    Attributes:
        names: one per annotation, unique, printable, at most `MAX_NAME_LENGTH` characters (longer
            by a number that makes it unique).
        polygons: of each annotation, in the unit and frame of the file.
        ignored: the number of other objects by kind.
    """

    names: list[str] = field(default_factory=list)
    polygons: list[list[Polygon]] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)

    def ignored_note(self) -> str:
        """How many objects were ignored, as a sentence; empty if none was."""
        count = self.ignored.total()
        if not count:
            return ""
        objects = "object was" if count == 1 else "objects were"
        return (
            f"{count:,} {objects} ignored ({self.ignored_kinds()}): only polygons of annotations "
            "count."
        )

    def ignored_kinds(self) -> str:
        """ "3 cell, 1 LineString"."""
        kinds = [f"{number:,} {kind}" for kind, number in self.ignored.most_common(_MAX_KINDS)]
        return ", ".join(kinds) + (", ..." if len(self.ignored) > _MAX_KINDS else "")


def parse_annotations(data: bytes) -> ParsedAnnotations:
    """Parse a file.

    An annotation is called by its name, else by its classification, else "Annotation n", its number
    among those that count. A number follows a name that is taken: "Tumor", "Tumor (2)".

    Raises:
        AnnotationRefusal: it is not GeoJSON, has no polygon or too many, or a coordinate that is
            not a finite number.
    """
    found = ParsedAnnotations()
    uses: Counter[str] = Counter()
    vertices = 0
    for item in _objects(_parse_json(data)):
        kind = _ignored_kind(item)
        if kind:
            found.ignored[kind] += 1
            continue
        number = len(found.names) + 1
        if number > MAX_ANNOTATIONS:
            raise AnnotationRefusal(
                f"has more than {MAX_ANNOTATIONS:,} annotations; export those that you need"
            )
        name = _name(item) or f"Annotation {number}"
        polygons, vertices = _polygons(_geometry(item), name, vertices)
        if not polygons:
            found.ignored["empty geometry"] += 1
            continue
        found.names.append(_unique(name, uses))
        found.polygons.append(polygons)
    if not found.names:
        ignored = f" (ignored: {found.ignored_kinds()})" if found.ignored else ""
        raise AnnotationRefusal(
            f"contains no polygon of an annotation{ignored}; draw one in QuPath and export it as "
            "GeoJSON"
        )
    return found


def _parse_json(data: bytes) -> Any:
    try:
        return json.loads(data, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise AnnotationRefusal(f"is nested too deeply for GeoJSON; {_EXPORT_AGAIN}") from error
    except ValueError as error:
        raise AnnotationRefusal(
            "is not GeoJSON: it is not JSON in UTF-8; export the annotations from QuPath as GeoJSON"
        ) from error


def _refuse_constant(name: str) -> None:
    raise AnnotationRefusal(f"contains {name}, which is not a number; {_EXPORT_AGAIN}")


def _objects(content: Any) -> Iterator[dict[str, Any]]:
    """Features and bare geometries, children after their parent."""
    waiting = [content]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting.extend(reversed(item))
            continue
        if not isinstance(item, dict) or not isinstance(item.get("type"), str):
            raise AnnotationRefusal(
                "is JSON but not GeoJSON: it contains something that is no Feature; "
                "export the annotations from QuPath as GeoJSON"
            )
        if item["type"] == "FeatureCollection":
            features = item.get("features")
            if not isinstance(features, list):
                raise AnnotationRefusal(f"has no list of features; {_EXPORT_AGAIN}")
            waiting.extend(reversed(features))
            continue
        children = _properties(item).get("childObjects")
        if isinstance(children, list):
            waiting.extend(reversed(children))
        yield item


def _properties(item: dict[str, Any]) -> dict[str, Any]:
    properties = item.get("properties")
    return properties if isinstance(properties, dict) else {}


def _geometry(item: dict[str, Any]) -> dict[str, Any]:
    geometry = item.get("geometry") if item["type"] == "Feature" else item
    return geometry if isinstance(geometry, dict) else {}


def _ignored_kind(item: dict[str, Any]) -> str:
    """What an object is, if it does not count; empty if it does."""
    properties = _properties(item)
    object_type = properties.get("objectType") or properties.get("object_type")
    if object_type is None and isinstance(item.get("id"), str):
        object_type = _LEGACY_TYPES.get(item["id"])
    if object_type is not None and object_type != "annotation":
        return _printable(object_type)[:20] or "object of another type"
    kind = _geometry(item).get("type")
    if kind in _POLYGONS:
        return ""
    if kind is None:
        return "object without geometry"
    return kind if kind in _GEOMETRIES else "unknown geometry"


def _name(item: dict[str, Any]) -> str:
    properties = _properties(item)
    return _printable(properties.get("name")) or _class_name(properties.get("classification"))


def _class_name(classification: object) -> str:
    """Of a text, of ``{"name"}``, or of ``{"names"}``, a class and its subclasses."""
    if not isinstance(classification, dict):
        return _printable(classification)
    names = classification.get("names")
    if isinstance(names, list):
        return _printable(": ".join(name for name in names[:8] if isinstance(name, str)))
    return _printable(classification.get("name"))


def _printable(text: object) -> str:
    """One line of printable characters; empty if it is no text."""
    if not isinstance(text, str):
        return ""
    line = "".join(c if c.isprintable() else " " for c in text[: 4 * MAX_NAME_LENGTH])
    return " ".join(line.split())[:MAX_NAME_LENGTH]


def _unique(name: str, uses: Counter[str]) -> str:
    """The name, with a number if it is taken. Counts the uses of each name."""
    unique = name
    while uses[unique]:
        uses[name] += 1
        unique = f"{name} ({uses[name]})"
    uses[unique] += 1
    return unique


def _polygons(geometry: dict[str, Any], name: str, vertices: int) -> tuple[list[Polygon], int]:
    """The polygons of an annotation, and the number of vertices up to here."""
    coordinates = geometry.get("coordinates")
    parts = [coordinates] if geometry["type"] == "Polygon" else coordinates
    if not isinstance(parts, list) or not all(isinstance(rings, list) for rings in parts):
        raise _bad_ring(name)
    polygons = []
    for rings in parts:
        polygon = []
        for ring in rings:
            vertices += len(ring) if isinstance(ring, list) else 0
            if vertices > MAX_VERTICES:
                raise AnnotationRefusal(
                    f"has more than {MAX_VERTICES:,} vertices; simplify the annotations in QuPath "
                    "(Objects > Annotations > Simplify shape) and export them again"
                )
            polygon.append(_ring(ring, name))
        if polygon:
            polygons.append(tuple(polygon))
    return polygons, vertices


def _ring(ring: object, name: str) -> Ring:
    if not isinstance(ring, list) or len(ring) < 3:
        raise _bad_ring(name)
    if not all(isinstance(point, list) and len(point) >= 2 for point in ring):
        raise _bad_ring(name)
    if not all(type(value) in (int, float) for point in ring for value in point[:2]):
        raise _bad_number(name)
    try:
        points = np.array([point[:2] for point in ring], np.float64)
    except OverflowError as error:
        raise _bad_number(name) from error
    if not np.isfinite(points).all() or np.abs(points).max() > MAX_COORDINATE:
        raise _bad_number(name)
    return points


def _bad_ring(name: str) -> AnnotationRefusal:
    return AnnotationRefusal(
        f"has an outline that is no list of three or more points, in '{name}'; {_EXPORT_AGAIN}"
    )


def _bad_number(name: str) -> AnnotationRefusal:
    return AnnotationRefusal(
        f"has a coordinate that is no number of px below {MAX_COORDINATE:,}, in '{name}'; "
        f"{_EXPORT_AGAIN}"
    )
