"""idc.datasets.stitched_slide and idc.datasets.stitched_exports: a case stitched from hand-written
patches."""

import json

import cv2
import numpy as np
import pytest

from idc.datasets.stitched_exports import slide_geojson, slide_png
from idc.datasets.stitched_slide import (
    GAP_RGB,
    coverage_note,
    is_incomplete,
    lay_out_case,
    slide_thumbnail,
    stitch_slide,
)
from idc.datasets.store import PackReport, open_store
from idc.datasets.store_writer import Patch, StoreWriter
from idc.errors import DataError
from idc.patches import PatchName

RED, GREEN, BLUE = (200, 0, 0), (0, 200, 0), (0, 0, 200)


def packed(*patches, name="hand"):
    """A store of (case, x, y, label, colour[, height, width])."""
    with StoreWriter(name, len(patches)) as writer:
        for case, x, y, label, colour, *size in sorted(patches, key=lambda p: (p[0], p[2], p[1])):
            pixels = np.full((50, 50, 3), colour, np.uint8)
            writer.add([Patch(PatchName(case=case, y=y, x=x, label=label), pixels, *size)])
        writer.finish(PackReport(sources=("made by hand",)))
    return open_store(name)


@pytest.fixture
def store(home):
    """Case 7: three of four cells, the lower right a gap. Case 8: one patch elsewhere."""
    return packed(
        (7, 101, 201, 0, RED),
        (7, 151, 201, 1, GREEN),
        (7, 101, 251, 1, BLUE),
        (8, 1, 1, 0, RED),
    )


# Layout


def test_slide_layout_covers_only_its_case(store):
    slide = lay_out_case(store, 7)

    assert (slide.left, slide.top, slide.width, slide.height) == (101, 201, 100, 100)
    assert slide.rows.tolist() == [0, 1, 2]
    assert slide.labels.tolist() == [0, 1, 1]
    assert slide.boxes.tolist() == [[0, 0, 50, 50], [50, 0, 50, 50], [0, 50, 50, 50]]
    assert slide.size_mm == (0.4, 0.4)


def test_grid_maps_cells_to_patches_and_gaps(store):
    assert lay_out_case(store, 7).grid.tolist() == [[0, 1], [2, -1]]


def test_second_case_has_rows_of_the_store(store):
    assert lay_out_case(store, 8).rows.tolist() == [3]


def test_unknown_case_raises_data_error(store):
    with pytest.raises(DataError, match="'hand' holds no case 9; choose another"):
        lay_out_case(store, 9)


def test_patches_too_far_apart_are_refused(home):
    store = packed((7, 1, 1, 0, RED), (7, 900_001, 900_001, 0, RED))

    with pytest.raises(DataError, match="lie up to 900,050 px apart"):
        lay_out_case(store, 7)


# Images


def test_stitched_slide_shows_patches_in_place_and_gaps_as_glass(store):
    picture = stitch_slide(store, lay_out_case(store, 7))

    assert picture.shape == (100, 100, 3)
    assert (picture[:50, :50] == RED).all()
    assert (picture[:50, 50:] == GREEN).all()
    assert (picture[50:, :50] == BLUE).all()
    assert (picture[50:, 50:] == GAP_RGB).all()


def test_stitched_edge_patch_has_its_original_size(home):
    store = packed((7, 1, 1, 0, RED), (7, 51, 1, 1, GREEN, 50, 12))
    slide = lay_out_case(store, 7)

    assert (slide.width, slide.height) == (62, 50)
    assert slide.boxes[1].tolist() == [50, 0, 12, 50]
    assert (stitch_slide(store, slide)[:, 50:] == GREEN).all()


def test_png_is_lossless_and_transparent_in_gaps(store):
    slide = lay_out_case(store, 7)
    png = np.frombuffer(slide_png(store, slide), np.uint8)

    rgba = cv2.cvtColor(cv2.imdecode(png, cv2.IMREAD_UNCHANGED), cv2.COLOR_BGRA2RGBA)

    assert np.array_equal(rgba[..., :3], stitch_slide(store, slide))
    assert (rgba[50:, 50:, 3] == 0).all()
    assert (rgba[..., 3] == 255).sum() == 3 * 50 * 50


def test_thumbnail_reduces_each_patch_separately(store):
    picture = slide_thumbnail(store, lay_out_case(store, 7), (5, 9))

    assert picture.shape == (4, 4, 4)  # 2 px per patch: 5 // 2 columns
    assert (picture[:2, :2] == (*RED, 255)).all()
    assert (picture[:2, 2:] == (*GREEN, 255)).all()
    assert (picture[2:, 2:] == 0).all()


def test_thumbnail_averages_by_area(home):
    pixels = np.zeros((50, 50, 3), np.uint8)
    pixels[:, :25] = 100
    with StoreWriter("half", 1) as writer:
        writer.add([Patch(PatchName(case=7, y=1, x=1, label=0), pixels)])
        writer.finish(PackReport(sources=("made by hand",)))
    store = open_store("half")

    assert slide_thumbnail(store, lay_out_case(store, 7), (1, 1)).tolist() == [[[50, 50, 50, 255]]]
    assert slide_thumbnail(store, lay_out_case(store, 7), (2, 2))[0, :, 0].tolist() == [100, 0]


def test_thumbnail_shows_every_patch(store):
    assert slide_thumbnail(store, lay_out_case(store, 7), (1, 1)).shape == (2, 2, 4)


# Outline


def test_outline_follows_the_positive_patches_in_px(store):
    upper, lower = lay_out_case(store, 7).outlines()

    assert upper.exterior.min(axis=0).tolist() == [50, 0]
    assert upper.exterior.max(axis=0).tolist() == [100, 50]
    assert lower.exterior.min(axis=0).tolist() == [0, 50]


def test_gap_inside_positive_patches_is_a_hole(home):
    ring = [(x, y) for y in (1, 51, 101) for x in (1, 51, 101) if (x, y) != (51, 51)]
    store = packed(*((7, x, y, 1, RED) for x, y in ring))

    (area,) = lay_out_case(store, 7).outlines()

    assert area.exterior.max(axis=0).tolist() == [150, 150]
    assert sorted(area.holes[0].tolist()) == [[50, 50], [50, 100], [100, 50], [100, 100]]


def test_outline_ends_with_a_small_edge_patch(home):
    store = packed((7, 1, 1, 1, RED, 30, 50))

    assert lay_out_case(store, 7).outlines()[0].exterior.max(axis=0).tolist() == [50, 30]


# Completeness


def test_coverage_note_of_an_incomplete_case_explains_gaps(home):
    slide = lay_out_case(packed((8863, 1, 1, 0, RED)), 8863)

    assert is_incomplete(slide)
    assert coverage_note(slide) == (
        "1 of 979 patches: gaps are patches missing from this data set, or background."
    )


def test_case_outside_the_full_set_is_not_incomplete(store):
    slide = lay_out_case(store, 7)

    assert not is_incomplete(slide)
    assert coverage_note(slide) == "3 patches; no patch was cut where there is only background."


# GeoJSON


def features(slide, kind, **probabilities):
    collection = json.loads(slide_geojson(slide, probabilities))
    assert collection["type"] == "FeatureCollection"
    return [f for f in collection["features"] if f["properties"]["objectType"] == kind]


def test_each_patch_is_a_closed_tile_with_class_and_colour(store):
    tiles = features(lay_out_case(store, 7), "tile")

    assert len(tiles) == 3
    assert tiles[1]["geometry"] == {
        "type": "Polygon",
        "coordinates": [[[50, 0], [100, 0], [100, 50], [50, 50], [50, 0]]],
    }
    assert tiles[1]["properties"]["name"] == "7_x151_y201"
    assert tiles[0]["properties"]["classification"] == {
        "name": "IDC-negative",
        "color": [0, 114, 178],
    }
    assert tiles[1]["properties"]["classification"] == {
        "name": "IDC-positive",
        "color": [213, 94, 0],
    }


def test_tiles_hold_known_probabilities_as_measurements(store):
    tiles = features(
        lay_out_case(store, 7),
        "tile",
        fast=np.array([0.25, np.nan, 1.0]),
        slow=np.array([0, 0.5, 1]),
    )

    assert [tile["properties"]["measurements"] for tile in tiles] == [
        {"Probability of IDC: fast": 0.25, "Probability of IDC: slow": 0.0},
        {"Probability of IDC: slow": 0.5},
        {"Probability of IDC: fast": 1.0, "Probability of IDC: slow": 1.0},
    ]


def test_region_is_an_annotation_with_its_hole(home):
    ring = [(x, y) for y in (1, 51, 101) for x in (1, 51, 101) if (x, y) != (51, 51)]
    (region,) = features(
        lay_out_case(packed(*((7, x, y, 1, RED) for x, y in ring)), 7), "annotation"
    )

    exterior, hole = region["geometry"]["coordinates"]
    assert exterior[0] == exterior[-1]
    assert hole[0] == hole[-1]
    assert len(hole) == 5
    assert region["properties"]["classification"]["name"] == "IDC region (labels)"


def test_identifiers_are_stable_and_unique(store):
    slide = lay_out_case(store, 7)
    first, again = (json.loads(slide_geojson(slide, {}))["features"] for _ in range(2))

    assert [f["id"] for f in first] == [f["id"] for f in again]
    assert len({f["id"] for f in first}) == len(first)


def test_geojson_holds_the_offset_of_the_slide(store):
    properties = json.loads(slide_geojson(lay_out_case(store, 7), {}))["properties"]

    assert properties == {
        "case": 7,
        "left": 101,
        "top": 201,
        "width_px": 100,
        "height_px": 100,
        "um_per_px": 4.0,
    }


@pytest.mark.real
def test_outline_of_a_real_case_covers_its_positive_patches(home, real_data):
    from idc.ingest.packing import pack

    pack([real_data / "idc_complete_cases.zip"], "real")
    slide = lay_out_case(open_store("real"), 8867)

    area = sum(
        cv2.contourArea(area.exterior.astype(np.int32))
        - sum(cv2.contourArea(hole.astype(np.int32)) for hole in area.holes)
        for area in slide.outlines()
    )
    assert coverage_note(slide) == (
        "All 1,642 patches of this case; gaps are background that was never cut."
    )
    assert area == 2500 * int((slide.labels == 1).sum())
