import json

import numpy as np
import pytest

from idc.errors import DataError, UploadError
from idc.uploads import annotations
from idc.uploads.annotations import read_annotation_file, read_annotations

SQUARE = [[0.5, 0], [10, 0], [10, 10], [0, 10]]
TRIANGLE = [[1, 1], [2, 1], [2, 2]]
FILE = json.dumps(
    [
        {
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": [SQUARE, TRIANGLE]},
            "properties": {"name": "Tumor é"},
        },
        {
            "type": "Feature",
            "geometry": {"type": "MultiPolygon", "coordinates": [[TRIANGLE], [SQUARE]]},
            "properties": {},
        },
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}},
    ]
).encode()


def shapes(area):
    return [[ring.tolist() for ring in rings] for rings in area.polygons]


def test_file_is_parsed_by_the_child():
    found = read_annotations(FILE, "folder/a.geojson")

    assert found.file_name == "a.geojson"
    assert [area.name for area in found.areas] == ["Tumor é", "Annotation 2"]
    assert shapes(found.areas[0]) == [[SQUARE, TRIANGLE]]
    assert shapes(found.areas[1]) == [[TRIANGLE], [SQUARE]]
    assert found.note.startswith("1 object was ignored (1 Point)")


def test_same_bytes_have_the_same_hash():
    one, other = read_annotations(FILE, "a.json"), read_annotations(FILE + b"\n", "a.json")

    assert one.sha256 == read_annotations(FILE, "b.json").sha256 != other.sha256


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "'a.geojson' is empty; export the annotations from QuPath as GeoJSON."),
        (
            b"<html>",
            "'a.geojson' is not GeoJSON: it is not JSON in UTF-8; export the annotations from "
            "QuPath as GeoJSON.",
        ),
        (
            b"[]",
            "'a.geojson' contains no polygon of an annotation; draw one in QuPath and export it "
            "as GeoJSON.",
        ),
    ],
)
def test_refusal_is_one_sentence_with_the_file(data, sentence):
    with pytest.raises(UploadError) as caught:
        read_annotations(data, "a.geojson")

    assert str(caught.value) == sentence


def test_file_beyond_the_size_limit_is_not_parsed(monkeypatch):
    monkeypatch.setattr(annotations, "MAX_ANNOTATION_BYTES", 1)

    with pytest.raises(UploadError, match=r"'a\.geojson' is larger than 0 MB"):
        read_annotations(b"[]", "a.geojson")


def test_json_that_expands_beyond_the_memory_is_refused():
    data = b"[" + b"[]," * 20_000_000 + b"[]]"

    with pytest.raises(UploadError) as caught:
        read_annotations(data, "a.geojson")

    assert str(caught.value) == (
        "'a.geojson' needs too much memory to read; export fewer annotations."
    )


@pytest.mark.parametrize(
    "table",
    [
        [],
        [["A", [[3]]]],
        [["A", [[3, 4]]]],
        [["A", [[-3, 10]]]],
        [["A", [[7, 0]]]],
        [["A" * 200, [[7]]]],
        [[5, [[7]]]],
        [["A", [[]]]],
        [["A", [["7"]]]],
        [["A"]],
        5,
    ],
)
def test_answer_of_a_hijacked_child_is_refused(table, monkeypatch):
    text = json.dumps(table).encode()
    block = text + np.zeros((7 if table != [["A", [[3, 4]]]] else 6, 2)).tobytes()
    header = {"ok": True, "note": "", "table_bytes": len(text)}
    monkeypatch.setattr(annotations, "_ask", lambda data, name: (header, block))

    with pytest.raises(UploadError, match="could not be read safely"):
        read_annotations(FILE, "a.geojson")


def test_missing_file_and_folder_are_refused(tmp_path):
    with pytest.raises(DataError, match="There is no file or folder"):
        read_annotation_file(tmp_path / "none.geojson")
    with pytest.raises(UploadError, match="cannot be read as annotations"):
        read_annotation_file(tmp_path)
