import csv
import json

import cv2
import numpy as np
import pytest
import tifffile

from idc.__main__ import main
from idc.cli import region_command
from idc.large_images import region, whole_slide
from idc.large_images.region_warnings import MIRRORED_NOTE
from tests.support.made_patches import png
from tests.support.made_slides import (
    PINK,
    annotation_bytes,
    box_feature,
    tissue_squares,
    write_scn,
    write_slide,
)
from tests.support.tiff_files.scales import scaled_tiff


@pytest.fixture(autouse=True)
def answering(home, monkeypatch):
    """The model answers 0.75 for everything."""

    def answer(run, patches):
        return np.full(len(patches), 0.75, np.float32)

    monkeypatch.setattr(whole_slide, "predict_patches", answer)
    monkeypatch.setattr(region, "predict_patches", answer)
    monkeypatch.setattr(region_command, "region_warning", lambda *_: None)


@pytest.fixture
def slide(tmp_path):
    rgb = tissue_squares(600, 400, 200, [(0, 0), (1, 2)])
    return write_slide(tmp_path / "s.svs", rgb, mpp_um=1.0)


def test_whole_slide_is_written_as_csv_geojson_and_png(slide, tmp_path, capsys):
    files = {name: str(tmp_path / f"out.{name}") for name in ("csv", "geojson", "png")}
    words = [word for name, path in files.items() for word in (f"--{name}", path)]

    assert main(["predict", str(slide), *words]) == 0
    with open(files["csv"], newline="") as file:  # noqa: PTH123
        rows = list(csv.DictReader(file))
    assert [row["y_prob"] for row in rows] == ["0.750000", "", "", "", "", "0.750000"]
    assert (rows[5]["x_px"], rows[5]["y_px"]) == ("400", "200")
    made = json.loads((tmp_path / "out.geojson").read_text())
    assert (made["properties"]["width_px"], made["properties"]["um_per_px"]) == (600, 1.0)
    assert cv2.imread(files["png"]).shape == (400, 600, 3)
    assert "2 cells of tissue at 1 um per pixel, 100.0% of them" in capsys.readouterr().err


def test_slide_with_bounds_is_written_in_the_frame_of_qupath(tmp_path, capsys):
    rgb = tissue_squares(600, 400, 200, [(0, 0), (1, 2)])
    path = write_scn(tmp_path / "s.scn", rgb, size=(1600, 1200), at=(400, 320), mpp_um=1.0)
    made = tmp_path / "out.geojson"

    assert main(["predict", str(path), "--geojson", str(made)]) == 0
    out, err = capsys.readouterr()
    rows = [row for row in csv.DictReader(out.splitlines()) if row["is_tissue"] == "1"]
    at = [(int(row["x_px"]), int(row["y_px"])) for row in rows]
    assert at == [(400, 200), (400, 400), (800, 400), (800, 600)]
    assert {row["frame"] for row in rows} == {"level 0"}
    collection = json.loads(made.read_text())
    tiles = [one for one in collection["features"] if one["properties"]["objectType"] == "tile"]
    corners = [tuple(tile["geometry"]["coordinates"][0][0]) for tile in tiles]
    assert corners == [(0, -120), (0, 80), (400, 80), (400, 280)]
    outline = collection["features"][0]["geometry"]["coordinates"][0]
    assert sorted(map(tuple, outline[1:])) == [(0, -120), (0, 280), (200, -120), (200, 280)]
    facts = collection["properties"]
    assert (facts["frame"], facts["origin_px"]) == ("bounds", [400, 320])
    assert (facts["width_px"], facts["height_px"]) == (600, 400)
    assert "its coordinates are x_px - 400 and y_px - 320" in err


def test_only_predicts_inside_annotations_in_the_frame_of_qupath(tmp_path, capsys, monkeypatch):
    asked = []

    def answer(run, patches):
        asked.append(len(patches))
        return np.full(len(patches), 0.75, np.float32)

    monkeypatch.setattr(whole_slide, "predict_patches", answer)
    rgb = np.full((400, 600, 3), PINK, np.uint8)
    path = write_scn(tmp_path / "s.scn", rgb, size=(1600, 1200), at=(400, 400), mpp_um=1.0)
    only = tmp_path / "a.geojson"
    left, cell = box_feature("Left", 0, 0, 200, 400), box_feature("", 0, 0, 9, 9, objectType="cell")
    only.write_bytes(annotation_bytes(left, cell))

    assert main(["predict", str(path), "--only", str(only)]) == 0
    out, err = capsys.readouterr()
    assert asked == [2]
    assert out.splitlines()[1:] == [
        f"400,{y},200,200,1,0.750000,1,level 0,Left," for y in (400, 600)
    ]
    assert "Only inside the annotations of 'a.geojson'. 1 object was ignored (1 cell)" in err
    assert err.splitlines()[-3:-1] == [
        "annotation      cells   area mm2  IDC-positive",
        "Left                2      0.080        100.0%",
    ]


def test_only_makes_an_image_a_region(tmp_path, capsys):
    path, only = tmp_path / "a.tif", tmp_path / "a.geojson"
    write_slide(path, np.full((200, 400, 3), PINK, np.uint8), mpp_um=1.0, levels=())
    only.write_bytes(annotation_bytes(box_feature("Right", 200, 0, 400, 200)))

    assert main(["predict", str(path), "--only", str(only)]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == ["200,0,200,200,1,0.750000,1,level 0,Right,"]


def test_image_with_a_given_scale_is_a_region(tmp_path, capsys):
    path = tmp_path / "a.png"
    path.write_bytes(png(PINK, height=200, width=400))

    assert main(["predict", str(path), "--mpp", "1", "--overlap"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[1:] == [
        f"{x},{y},100,100,1,0.750000,1,level 0,," for y in (0, 100) for x in (0, 100, 200, 300)
    ]
    assert "Shrunk 4:1" in err


def test_doubtful_region_prints_a_warning(slide, tmp_path, capsys, monkeypatch):
    def warning(run, answers, patch_of):
        assert patch_of(0, 0).shape == (50, 50, 3)
        return "Do not believe it."

    monkeypatch.setattr(region_command, "region_warning", warning)
    path = tmp_path / "a.png"
    path.write_bytes(png(PINK, height=200, width=400))

    assert main(["predict", str(path), "--mpp", "1"]) == 0
    out, err = capsys.readouterr()
    assert "Warning: Do not believe it." in err
    assert {row["warning"] for row in csv.DictReader(out.splitlines())} == {"Do not believe it."}
    assert main(["predict", str(slide), "--csv", str(tmp_path / "out.csv")]) == 0
    assert "Warning: Do not believe it." in capsys.readouterr().err


def test_enlarged_region_smaller_than_a_patch_says_so_in_its_rows(tmp_path, capsys):
    path = tmp_path / "a.png"
    path.write_bytes(png(PINK, height=20, width=20))

    assert main(["predict", str(path), "--mpp", "8"]) == 0
    [row] = csv.DictReader(capsys.readouterr().out.splitlines())
    assert row["warning"].startswith("Enlarged 1:2 to the model's 4 µm per pixel.")
    assert row["warning"].endswith(MIRRORED_NOTE)


@pytest.mark.parametrize("option", ["--csv", "--geojson", "--png"])
def test_missing_folder_of_a_result_is_found_before_predicting(
    option, slide, tmp_path, capsys, monkeypatch
):
    def fail(*_):
        pytest.fail("predicted")

    monkeypatch.setattr(whole_slide, "predict_patches", fail)

    assert main(["predict", str(slide), option, str(tmp_path / "none" / "out")]) == 2
    assert capsys.readouterr().err == (
        f"idc: '{tmp_path / 'none' / 'out'}' cannot be written, because there is no folder "
        f"'{tmp_path / 'none'}'; create it or choose another path.\n"
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["a.png", "--region"], "'a.png' does not state its scale; give it with --mpp"),
        (["a.png", "--mpp", "99"], "The scale must lie between 0.05 and 16 um per pixel"),
        (["a.png", "a.png", "--mpp", "1"], "Give a single path"),
        (["missing.svs"], "There is no file or folder at 'missing.svs'"),
        (["a.png", "--only", "none.geojson"], "There is no file or folder at 'none.geojson'"),
        (["a.png", "--only", "bad.svs"], "'bad.svs' is not GeoJSON"),
        (["a.png", "--mpp", "1", "--only", "far.geojson"], "No patch of this image has its centre"),
        (["bad.svs"], "'bad.svs' is not a whole-slide file that OpenSlide can read"),
    ],
)
def test_refusals_are_one_sentence(words, sentence, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(png(PINK, height=200, width=400))
    (tmp_path / "bad.svs").write_bytes(b"no slide")
    (tmp_path / "far.geojson").write_bytes(annotation_bytes(box_feature("A", 900, 0, 999, 99)))

    assert main(["predict", *words]) == 2
    assert sentence in capsys.readouterr().err


def test_large_tiff_that_no_slide_can_be_names_the_conversion(tmp_path, capsys):
    path = tmp_path / "s.tif"
    pixels = np.zeros((10_000, 10_000), np.float16)
    tifffile.imwrite(path, pixels, compression="zlib", rowsperstrip=1_000)

    assert main(["predict", str(path), "--region", "--mpp", "1"]) == 2
    assert capsys.readouterr().err == (
        "idc: 's.tif' holds 32-bit, signed or floating-point values; convert it, values of 0 to 1 "
        "by `vips linear IN RGB.v 255 0 --uchar`, and then by `vips tiffsave RGB.v OUT --tile "
        "--pyramid --compression jpeg`.\n"
    )


@pytest.mark.parametrize("tile", [None, (64, 64)])
def test_scale_conflict_is_printed_and_in_every_row(tile, tmp_path, capsys):
    path = tmp_path / "s.tif"
    path.write_bytes(scaled_tiff("MPP = 4", pixels_per_cm=10_000, tile=tile))

    assert main(["predict", str(path), "--region"]) == 0
    out, err = capsys.readouterr()
    conflict = (
        "The MPP values state 4 um per pixel, the resolution tags 1; the first is used unless you "
        "choose another."
    )
    assert conflict in err
    rows = list(csv.DictReader(out.splitlines()))
    assert len(rows) == 4
    assert all(conflict in row["warning"] for row in rows if row["y_prob"])


def test_given_scale_overrides_that_of_the_file(slide, capsys):
    assert main(["predict", str(slide), "--mpp", "2"]) == 0

    assert "8 cells of tissue at 2 um per pixel" in capsys.readouterr().err
