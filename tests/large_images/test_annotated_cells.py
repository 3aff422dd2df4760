import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from idc.errors import UploadError
from idc.files.home import whole_slides_dir
from idc.large_images import annotated_cells, region
from idc.large_images.annotation_summary import AnnotationSummary, annotation_summaries
from idc.large_images.region import lay_out_region, predict_region
from idc.large_images.region_exports import region_csv, region_geojson
from idc.large_images.slide_predictions import (
    SlidePredictions,
    SlideRequest,
    save_predictions,
    saved_predictions,
)
from idc.runs.run import BUNDLED_RUN_ID, open_run
from tests.support.made_slides import PINK, box_feature, made_annotations, made_answers

NAN = np.nan
LAYOUT = made_answers([[0.5, 0.5, 0.5], [0.5, 0.5, 0.5]]).layout  # centres at 25, 75, 125


@pytest.fixture
def requested(monkeypatch):
    """The number of patches that a model was asked for; it answers 0.75."""
    requested = []

    def answer(run, patches):
        requested.append(len(patches))
        return np.full(len(patches), 0.75, np.float32)

    monkeypatch.setattr(region, "predict_patches", answer)
    return requested


def limited(answers, *features, bounds_px=None):
    """Answers limited to annotations."""
    layout = replace(answers.layout, bounds_px=bounds_px)
    return replace(answers, layout=layout.only_inside(made_annotations(*features)))


def test_cell_counts_when_its_centre_lies_inside():
    layout = LAYOUT.only_inside(made_annotations(box_feature("A", 24, 0, 76, 26)))

    assert layout.tissue.tolist() == [[True, True, False], [False, False, False]]
    assert layout.annotated.labels().tolist() == [["A", "A", ""], ["", "", ""]]


def test_centre_on_a_left_or_upper_edge_counts_and_on_others_not():
    layout = LAYOUT.only_inside(made_annotations(box_feature("A", 25, 25, 75, 75)))

    assert np.argwhere(layout.tissue).tolist() == [[0, 0]]


def test_centre_in_a_hole_does_not_count():
    feature = box_feature("A", 0, 0, 150, 100)
    feature["geometry"]["coordinates"].append([[60, 10], [90, 10], [90, 40], [60, 40]])

    assert LAYOUT.only_inside(made_annotations(feature)).tissue.tolist() == [
        [True, False, True],
        [True, True, True],
    ]


def test_annotations_are_read_in_the_frame_of_the_bounds():
    layout = replace(LAYOUT, bounds_px=(100, 50, 50, 50))
    layout = layout.only_inside(made_annotations(box_feature("A", 0, 0, 50, 50)))

    assert np.argwhere(layout.tissue).tolist() == [[1, 2]]


def test_cell_in_several_annotations_names_all_in_their_order():
    features = [box_feature("B", 0, 0, 100, 50), box_feature("A", 50, 0, 150, 50)]

    assert LAYOUT.only_inside(made_annotations(*features)).annotated.labels().tolist() == [
        ["B", "B; A", "A"],
        ["", "", ""],
    ]


def test_cell_in_two_parts_of_a_multipolygon_counts_once():
    rings = box_feature("A", 0, 0, 50, 50)["geometry"]["coordinates"]
    feature = {"type": "MultiPolygon", "coordinates": [rings, rings]}

    assert LAYOUT.only_inside(made_annotations(feature)).annotated.cells[0].tolist() == [0]


def test_background_inside_is_reported_but_not_predicted():
    answers = limited(made_answers([[NAN, 0.5]]), box_feature("A", 0, 0, 100, 50))

    assert answers.layout.tissue.tolist() == [[False, True]]
    assert answers.layout.reported.tolist() == [[True, True]]


def test_only_patches_inside_are_predicted(requested):
    rgb = np.full((200, 500, 3), PINK, np.uint8)
    only = made_annotations(box_feature("A", 0, 0, 110, 50))

    predict_region(None, lay_out_region(rgb, 4.0))
    answers = predict_region(None, lay_out_region(rgb, 4.0, only=only))

    assert requested == [40, 2]
    assert np.argwhere(np.isfinite(answers.cells())).tolist() == [[0, 0], [0, 1]]


def test_overlapping_tiles_give_a_cell_the_same_mean(monkeypatch):
    def answer(run, patches):
        return (patches[:, :, :, 0].mean(axis=(1, 2)) / 255).astype(np.float32)

    monkeypatch.setattr(region, "predict_patches", answer)
    rgb = np.full((200, 300, 3), PINK, np.uint8)
    rgb[..., 0] -= np.arange(60, 60 + 300, dtype=np.uint16).astype(np.uint8)[None] // 4
    only = made_annotations(box_feature("A", 60, 60, 140, 110))

    whole = predict_region(None, lay_out_region(rgb, 4.0, 25)).cells()
    part = predict_region(None, lay_out_region(rgb, 4.0, 25, only)).cells()

    known = np.isfinite(part)
    assert known.sum() == 8
    np.testing.assert_array_equal(part[known], whole[known])


def test_annotations_that_contain_no_cell_are_refused():
    with pytest.raises(UploadError, match="No patch of this image has its centre inside"):
        LAYOUT.only_inside(made_annotations(box_feature("A", 1000, 0, 2000, 50)))


def test_annotations_that_are_too_intricate_are_refused(monkeypatch):
    monkeypatch.setattr("idc.imaging.polygon_cells.GridPolygons._spend", refuse)

    with pytest.raises(UploadError, match="too many or too intricate"):
        LAYOUT.only_inside(made_annotations(box_feature("A", 0, 0, 100, 100)))


def refuse(self, work):
    raise annotated_cells.TooIntricate


def test_many_annotations_over_one_another_are_refused():
    features = [box_feature("A", 0, 0, 50, 50)] * 20
    assert len(LAYOUT.only_inside(made_annotations(*features)).annotated.names) == 20

    with pytest.raises(UploadError, match="More than 20 annotations"):
        LAYOUT.only_inside(made_annotations(*features, features[0]))


def test_summary_counts_tissue_area_and_positive_share():
    answers = limited(
        made_answers([[0.25, 0.75, 0.75], [NAN, 0.75, 0.25]], mpp_um=2.0),  # cells of 100 px
        box_feature("A", 0, 0, 200, 200),
        box_feature("B", 100, 0, 300, 100),
        box_feature("glass", 0, 100, 100, 200),
    )
    first, second, third = annotation_summaries(answers, 0.5)

    assert first == AnnotationSummary("A", 3, pytest.approx(0.12), pytest.approx(2 / 3))
    assert second == AnnotationSummary("B", 2, pytest.approx(0.08), 1.0)
    assert (third.name, third.cells, third.area_mm2) == ("glass", 0, 0.0)
    assert np.isnan(third.positive_share)
    assert third.to_json()["positive_share"] is None
    assert annotation_summaries(made_answers([[0.5]]), 0.5) == []


def test_csv_lists_only_cells_inside_with_their_annotation():
    answers = limited(
        made_answers([[0.25, NAN, 0.75]]), box_feature("=HYPERLINK(1)", 0, 0, 100, 50)
    )
    rows = list(csv.DictReader(io.StringIO(region_csv(answers, 0.5))))

    assert [(row["x_px"], row["y_prob"], row["annotation"]) for row in rows] == [
        ("0", "0.250000", "'=HYPERLINK(1)"),
        ("50", "", "'=HYPERLINK(1)"),
    ]


def test_geojson_has_only_tiles_inside_and_sums_up_annotations():
    answers = limited(
        made_answers([[0.25, 0.75, 0.75]]),
        box_feature("A", 0, 0, 50, 50),
        bounds_px=(50, 0, 100, 50),
    )
    made = json.loads(region_geojson(answers, name="a.png", model="M", threshold=0.5))
    tiles = [one for one in made["features"] if one["properties"]["objectType"] == "tile"]

    assert [tile["geometry"]["coordinates"][0][0] for tile in tiles] == [[0, 0]]
    assert tiles[0]["properties"]["metadata"] == {"annotation": "A"}
    assert made["properties"]["annotations"] == [
        {"name": "A", "cells": 1, "area_mm2": pytest.approx(0.04), "positive_share": 1.0}
    ]


def test_saved_predictions_keep_their_annotations(home, tmp_path):
    (tmp_path / "s.svs").write_bytes(b"slide")
    features = [box_feature("A", 0, 0, 100, 50), box_feature("B", 50, 0, 100, 50)]
    only = made_annotations(*features)
    answers = limited(made_answers([[0.25, 0.75, NAN]]), *features)
    request = SlideRequest(tmp_path / "s.svs", 4.0, open_run(BUNDLED_RUN_ID), only=only)
    save_predictions(request, SlidePredictions(answers, np.zeros((5, 15, 3), np.uint8)))
    layout = saved_predictions(request).answers.layout

    assert layout.annotated.labels().tolist() == [["A", "A; B", ""]]
    assert layout.tissue.tolist() == [[True, True, False]]
    assert saved_predictions(replace(request, only=None)) is None
    assert saved_predictions(replace(request, only=replace(only, sha256="1" * 64))) is None


@pytest.mark.parametrize("names", [["A"], ["A", 5], ["A", "B", "C"], 5])
def test_saved_annotations_with_damaged_names_count_as_missing(names, home, tmp_path):
    (tmp_path / "s.svs").write_bytes(b"slide")
    features = [box_feature("A", 0, 0, 100, 50), box_feature("B", 50, 0, 100, 50)]
    answers = limited(made_answers([[0.25, 0.75, NAN]]), *features)
    request = SlideRequest(tmp_path / "s.svs", 4.0, open_run(BUNDLED_RUN_ID))
    save_predictions(request, SlidePredictions(answers, np.zeros((5, 15, 3), np.uint8)))
    facts = whole_slides_dir() / request.name() / "facts.json"
    saved = json.loads(facts.read_text())
    saved["annotations"]["names"] = names
    facts.write_text(json.dumps(saved))

    assert saved_predictions(request) is None
