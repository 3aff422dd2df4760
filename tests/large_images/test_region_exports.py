import csv
import io
import json

import cv2
import numpy as np

from idc.large_images.region import RegionPredictions, lay_out_region
from idc.large_images.region_exports import COLUMNS, predicted_outlines, region_csv, region_geojson
from idc.large_images.region_pictures import downscaled_picture, region_png, tiling_picture
from tests.support.made_slides import PINK, made_answers

NAN = np.nan
ANSWERS = made_answers([[0.125, 0.75], [NAN, 0.5]], mpp_um=2.0)  # cells of 100 px


def test_csv_has_every_cell_and_no_prediction_for_background():
    rows = list(csv.reader(io.StringIO(region_csv(ANSWERS, 0.5))))

    assert rows == [
        list(COLUMNS),
        ["0", "0", "100", "100", "1", "0.125000", "0", "level 0", "", ""],
        ["100", "0", "100", "100", "1", "0.750000", "1", "level 0", "", ""],
        ["0", "100", "100", "100", "0", "", "", "level 0", "", ""],
        ["100", "100", "100", "100", "1", "0.500000", "1", "level 0", "", ""],
    ]


def test_geojson_has_tiles_of_tissue_and_the_predicted_region():
    made = json.loads(region_geojson(ANSWERS, name="a.png", model="M", threshold=0.5))
    outline, *tiles = made["features"]

    assert made["properties"] == {
        "image": "a.png",
        "model": "M",
        "threshold": 0.5,
        "frame": "level 0",
        "origin_px": [0, 0],
        "width_px": 200,
        "height_px": 200,
        "um_per_px": 2.0,
        "annotations": [],
    }
    assert outline["geometry"]["coordinates"] == [
        [[200, 0], [200, 200], [100, 200], [100, 0], [200, 0]]
    ]
    assert outline["properties"]["objectType"] == "annotation"
    assert [tile["properties"]["name"] for tile in tiles] == [
        "a.png_x0_y0",
        "a.png_x100_y0",
        "a.png_x100_y100",
    ]
    assert [tile["properties"]["classification"]["name"] for tile in tiles] == [
        "IDC-negative",
        "IDC-positive",
        "IDC-positive",
    ]
    assert tiles[1]["properties"]["measurements"] == {"Probability of IDC: M": 0.75}
    assert tiles[0]["geometry"]["coordinates"] == [[[0, 0], [100, 0], [100, 100], [0, 100], [0, 0]]]


def test_csv_states_the_warning_beside_each_prediction():
    rows = list(csv.DictReader(io.StringIO(region_csv(ANSWERS, 0.5, "=Unlike tissue."))))

    assert [row["warning"] for row in rows] == ["'=Unlike tissue."] * 2 + ["", "'=Unlike tissue."]


def test_region_smaller_than_a_patch_is_exported_in_its_own_size():
    pink = np.full((80, 80, 3), PINK, np.uint8)
    layout = lay_out_region(pink, 1.0, stride=25).layout  # 20 x 20 px, mirrored to 50 x 50
    answers = RegionPredictions(layout, np.array([[0.75]], np.float32))
    made = json.loads(region_geojson(answers, name="a.png", model="M", threshold=0.5))

    assert region_csv(answers, 0.5).splitlines()[1:] == ["0,0,80,80,1,0.750000,1,level 0,,"]
    assert [feature["geometry"]["coordinates"] for feature in made["features"]] == [
        [[[80, 0], [80, 80], [0, 80], [0, 0], [80, 0]]],
        [[[0, 0], [80, 0], [80, 80], [0, 80], [0, 0]]],
    ]
    assert (tiling_picture(layout, pink)[10:70, 10:70] == PINK).all()
    heat = cv2.imdecode(np.frombuffer(region_png(answers, pink, 0.5), np.uint8), cv2.IMREAD_COLOR)
    assert len(np.unique(heat[10:70, 10:70].reshape(-1, 3), axis=0)) == 1


def test_repeated_export_has_the_same_identifiers():
    ids = [
        [feature["id"] for feature in json.loads(text)["features"]]
        for text in (
            region_geojson(ANSWERS, name="a.png", model="M", threshold=0.5),
            region_geojson(ANSWERS, name="a.png", model="N", threshold=0.5),
        )
    ]

    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 4


def test_cell_just_below_the_threshold_is_negative_in_every_export():
    answers = made_answers([[0.1, 0.9]])
    threshold = float(np.float32(0.1)) + 1e-10  # as float32 the very answer
    made = json.loads(region_geojson(answers, name="a.png", model="M", threshold=threshold))

    assert answers.predicted_positive(threshold).tolist() == [[False, True]]
    rows = csv.DictReader(io.StringIO(region_csv(answers, threshold)))
    assert [row["y_pred"] for row in rows] == ["0", "1"]
    classes = [tile["properties"]["classification"]["name"] for tile in made["features"][1:]]
    assert classes == ["IDC-negative", "IDC-positive"]
    [outline] = predicted_outlines(answers, threshold)
    assert outline.exterior[:, 0].min() == 50  # the second cell alone


def test_background_is_never_positive_even_at_threshold_zero():
    (outline,) = predicted_outlines(ANSWERS, 0.0)

    assert [200, 200] in outline.exterior.tolist()
    assert [0, 200] not in outline.exterior.tolist()


def test_png_tints_tissue_by_its_probability_and_leaves_background():
    answers = made_answers([[0.0, NAN, 1.0]])
    white = np.full((50, 150, 3), 255, np.uint8)
    bgr = cv2.imdecode(np.frombuffer(region_png(answers, white, 2.0), np.uint8), cv2.IMREAD_COLOR)

    viridis = cv2.applyColorMap(np.array([[0, 255]], np.uint8), cv2.COLORMAP_VIRIDIS)[0]
    low, high = (np.rint(255 * 0.45 + colour * 0.55) for colour in viridis.astype(float))
    assert bgr.shape == (50, 150, 3)
    np.testing.assert_allclose(bgr[25, 25], low, atol=1)
    np.testing.assert_allclose(bgr[25, 125], high, atol=1)
    assert (bgr[:, 50:100] == 255).all()


def test_png_outlines_the_predicted_region():
    answers = made_answers([[0.0, 0.0, 1.0]])
    white = np.full((50, 150, 3), 255, np.uint8)
    bgr = cv2.imdecode(np.frombuffer(region_png(answers, white, 0.5), np.uint8), cv2.IMREAD_COLOR)

    assert bgr[25, 100].tolist() == [255, 255, 255]
    assert bgr[25, 98:103].tolist() != bgr[25, 48:53].tolist()


def test_tiling_picture_fades_background_and_draws_grid_on_tissue():
    black = np.zeros((100, 100, 3), np.uint8)
    drawn = tiling_picture(made_answers([[0.5, NAN], [0.5, 0.5]]).layout, black)

    assert drawn[25, 25].tolist() == [0, 0, 0]
    assert drawn[25, 75].tolist() == [192, 192, 192]
    assert drawn[75, 50].tolist() == [11, 70, 84]
    assert drawn[0, 75].tolist() == [192, 192, 192]


def test_large_images_are_downscaled_and_small_ones_unchanged():
    large = np.zeros((400, 1000, 3), np.uint8)

    assert downscaled_picture(large, 100_000).shape == (200, 500, 3)
    assert downscaled_picture(large) is large
