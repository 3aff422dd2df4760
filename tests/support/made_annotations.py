"""Annotations as QuPath exports them."""

import json

from idc.uploads.annotation_parser import parse_annotations
from idc.uploads.annotations import Annotation, Annotations


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
