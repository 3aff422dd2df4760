import json

import pytest

from idc.uploads import annotation_parser
from idc.uploads.annotation_parser import AnnotationRefusal, parse_annotations

SQUARE = [[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]]
HOLE = [[2, 2], [4, 2], [4, 4], [2, 4], [2, 2]]


def polygon(*rings):
    return {"type": "Polygon", "coordinates": list(rings or [SQUARE])}


def feature(geometry=None, **properties):
    properties = {"objectType": "annotation", **properties}
    return {
        "type": "Feature",
        "id": "7f4a",
        "geometry": geometry or polygon(),
        "properties": properties,
    }


def parsed(content):
    return parse_annotations(json.dumps(content).encode())


def refusal(data):
    with pytest.raises(AnnotationRefusal) as caught:
        parse_annotations(data if isinstance(data, bytes) else json.dumps(data).encode())
    return str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        feature(name="A"),
        [feature(name="A")],
        {"type": "FeatureCollection", "features": [feature(name="A")]},
        [{"type": "FeatureCollection", "features": [feature(name="A")]}],
    ],
)
def test_feature_list_and_collection_are_read(content):
    found = parsed(content)

    assert found.names == ["A"]
    assert [ring.tolist() for ring in found.polygons[0][0]] == [SQUARE]
    assert found.ignored_note() == ""


def test_bare_polygon_is_an_annotation():
    assert parsed(polygon()).names == ["Annotation 1"]


def test_file_with_a_byte_order_mark_is_read():
    assert parse_annotations(b"\xef\xbb\xbf" + json.dumps(feature(name="A")).encode()).names == [
        "A"
    ]


def test_holes_and_parts_of_a_multipolygon_are_kept():
    several = {"type": "MultiPolygon", "coordinates": [[SQUARE, HOLE], [HOLE]]}
    (polygons,) = parsed(feature(several)).polygons

    assert [[ring.tolist() for ring in rings] for rings in polygons] == [[SQUARE, HOLE], [HOLE]]


def test_third_coordinate_is_dropped():
    deep = [[x, y, 7] for x, y in SQUARE]

    assert parsed(feature(polygon(deep))).polygons[0][0][0].tolist() == SQUARE


@pytest.mark.parametrize(
    ("properties", "name"),
    [
        ({"name": "Left", "classification": {"name": "Tumor"}}, "Left"),
        ({"name": " ", "classification": {"name": "Tumor"}}, "Tumor"),
        ({"name": None, "classification": {"name": "Tumor"}}, "Tumor"),
        ({"name": 5, "classification": "Tumor"}, "Tumor"),
        ({"classification": {"names": ["Tumor", "Positive"]}}, "Tumor: Positive"),
        ({"classification": None}, "Annotation 1"),
        ({"classification": {"name": ["x"]}}, "Annotation 1"),
        ({"name": "a\nb\u202e\x1b[31mc"}, "a b [31mc"),
        ({"name": "x" * 5000}, "x" * 100),
        ({"name": "=HYPERLINK(1)"}, "=HYPERLINK(1)"),
    ],
)
def test_name_else_classification_else_number_names_it(properties, name):
    assert parsed(feature(**properties)).names == [name]


def test_names_that_repeat_get_numbers():
    names = ["Tumor", "Tumor (2)", "Tumor", "Tumor", None, "Annotation 5"]

    assert parsed([feature(name=name) for name in names]).names == [
        "Tumor",
        "Tumor (2)",
        "Tumor (3)",
        "Tumor (4)",
        "Annotation 5",
        "Annotation 5 (2)",
    ]


def test_other_objects_are_counted_by_kind_and_ignored():
    found = parsed(
        [
            feature(objectType="detection"),
            feature(objectType="cell"),
            feature(objectType="cell"),
            feature({"type": "Point", "coordinates": [1, 2]}),
            feature({"type": "LineString", "coordinates": SQUARE}),
            feature({"type": "Polygon", "coordinates": []}),
            feature(name="A"),
        ]
    )

    assert found.names == ["A"]
    assert dict(found.ignored) == {
        "cell": 2,
        "detection": 1,
        "Point": 1,
        "LineString": 1,
        "empty geometry": 1,
    }
    assert found.ignored_note() == (
        "6 objects were ignored (2 cell, 1 detection, 1 Point, 1 LineString, ...): only polygons "
        "of annotations count."
    )


def test_type_of_older_qupath_files_is_understood():
    cell = {**feature(name="c"), "id": "PathCellObject", "properties": {}}
    area = {**feature(), "id": "PathAnnotationObject", "properties": {"name": "A"}}
    tile = {**feature(), "properties": {"object_type": "tile"}}
    found = parsed([cell, area, tile])

    assert found.names == ["A"]
    assert dict(found.ignored) == {"cell": 1, "tile": 1}


def test_children_of_an_object_are_read():
    child = feature(name="child")

    assert parsed(feature(name="parent", childObjects=[child])).names == ["parent", "child"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x89PNG\r\n", "is not JSON in UTF-8"),
        (b"{", "is not JSON in UTF-8"),
        (b"[" * 100_000, "is nested too deeply"),
        (b"9" * 5000, "is not JSON in UTF-8"),
        (5, "contains something that is no Feature"),
        ({"a": 1}, "contains something that is no Feature"),
        ([None], "contains something that is no Feature"),
        ({"type": ["Feature"]}, "contains something that is no Feature"),
        ({"type": "FeatureCollection", "features": 5}, "has no list of features"),
        ([], "contains no polygon of an annotation; draw one in QuPath"),
        (feature(objectType="cell"), "contains no polygon of an annotation (ignored: 1 cell)"),
        ({"type": "Feature", "geometry": None}, "(ignored: 1 object without geometry)"),
        ({"type": "Topology"}, "(ignored: 1 unknown geometry)"),
    ],
)
def test_file_that_is_no_geojson_of_annotations_is_refused(data, words):
    assert words in refusal(data)


@pytest.mark.parametrize(
    "coordinates",
    [
        "x",
        [1],
        [[1, 2]],
        [[[1, 2], [3, 4]]],
        [[1, 2, 3]],
        [[[1], [2], [3]]],
        [["ab", "cd", "ef"]],
        5,
    ],
)
def test_outline_that_is_no_list_of_points_is_refused(coordinates):
    geometry = {"type": "Polygon", "coordinates": coordinates}

    assert "has an outline that is no list of three or more points, in 'A'" in refusal(
        feature(geometry, name="A")
    )


@pytest.mark.parametrize("value", ["1", True, None, [1], 10**400, 1e10, -1e10])
def test_coordinate_that_is_no_plausible_number_is_refused(value):
    ring = [[0, 0], [value, 0], [1, 1]]

    assert "has a coordinate that is no number of px below 1,000,000,000, in 'A'" in refusal(
        feature(polygon(ring), name="A")
    )


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_constant_that_is_no_json_is_refused(word):
    data = json.dumps(feature()).replace("10", word).encode()

    assert f"contains {word}, which is not a number" in refusal(data)


def test_number_that_overflows_is_refused():
    data = json.dumps(feature(name="A")).replace("10", "1e999").encode()

    assert "has a coordinate that is no number of px" in refusal(data)


def test_too_many_vertices_are_refused(monkeypatch):
    monkeypatch.setattr(annotation_parser, "MAX_VERTICES", 9)

    assert len(parsed([feature()]).names) == 1
    assert "has more than 9 vertices; simplify" in refusal([feature(), feature()])


def test_too_many_annotations_are_refused(monkeypatch):
    monkeypatch.setattr(annotation_parser, "MAX_ANNOTATIONS", 1)

    assert "has more than 1 annotations" in refusal([feature(), feature()])
