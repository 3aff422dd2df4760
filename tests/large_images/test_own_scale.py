"""Regions and slides for models of another side and scale than the Kaggle set's."""

import json
from dataclasses import replace

import numpy as np
import pytest

from idc.datasets.description import DataDescription
from idc.errors import SlideError, UploadError
from idc.imaging.rescaling import ModelScale, scale_note
from idc.large_images import region, whole_slide
from idc.large_images.annotated_cells import AnnotatedCells
from idc.large_images.annotation_summary import annotation_summaries
from idc.large_images.region import RegionPredictions, lay_out_region, predict_region
from idc.large_images.region_exports import region_geojson
from idc.large_images.whole_slide import WholeSlide, lay_out_slide, predict_slide
from tests.support.made_slides import GLASS, PINK, tissue_squares, write_slide

FINE = ModelScale(96, 0.5)
UNKNOWN = ModelScale(32, None)


@pytest.fixture
def shapes(monkeypatch):
    """The shapes of the batches sent to a model that answers 0.75."""
    shapes: list[tuple[int, ...]] = []

    def answer(run, patches):
        shapes.append(patches.shape)
        return np.full(len(patches), 0.75, np.float32)

    monkeypatch.setattr(region, "predict_patches", answer)
    monkeypatch.setattr(whole_slide, "predict_patches", answer)
    return shapes


def tissue(width, height, rgb=PINK):
    return np.full((height, width, 3), rgb, np.uint8)


def test_region_is_rescaled_and_cut_for_the_models_side(shapes):
    laid_out = lay_out_region(tissue(400, 384), 0.25, model=FINE)  # 200 x 192 px at 0.5 um

    answers = predict_region(None, laid_out)

    assert laid_out.layout.x_edges_px.tolist() == [0, 192, 384, 400]
    assert laid_out.layout.y_edges_px.tolist() == [0, 192, 384]
    assert shapes == [(6, 96, 96, 3)]
    assert answers.cells().tolist() == [[0.75] * 3] * 2


def test_background_is_found_at_the_models_scale(shapes):
    rgb = tissue(288, 96)
    rgb[:, 96:192] = GLASS

    answers = predict_region(None, lay_out_region(rgb, 0.5, model=FINE))

    assert shapes == [(2, 96, 96, 3)]
    assert answers.layout.tissue.tolist() == [[True, False, True]]


def test_region_of_unknown_scale_is_cut_as_it_is(shapes):
    answers = predict_region(None, lay_out_region(tissue(64, 40), None, model=UNKNOWN))

    assert answers.layout.x_edges_px.tolist() == [0, 32, 64]
    assert answers.layout.y_edges_px.tolist() == [0, 32, 40]
    assert shapes == [(4, 32, 32, 3)]


def test_region_without_scale_is_refused_by_a_model_with_one():
    with pytest.raises(UploadError, match="scale of the image is unknown; state its um per pixel"):
        lay_out_region(tissue(200, 200), None, model=FINE)


@pytest.mark.parametrize(("side", "stride"), [(33, 16), (33, 33), (512, 256), (28, 14)])
def test_every_cell_is_covered_at_any_side_and_width(shapes, side, stride):
    for width in range(side, side + 2 * stride + 2):
        made = lay_out_region(tissue(width, side), None, stride, model=ModelScale(side, None))
        layout = made.layout
        tiles = np.ones((len(layout.tiling.tops), len(layout.tiling.lefts)), np.float32)

        assert layout.tissue.all()
        assert (RegionPredictions(layout, tiles).cells() == 1).all()
        assert (np.diff(layout.x_edges_px) > 0).all()


def test_large_patches_are_predicted_in_small_batches(shapes):
    predict_region(None, lay_out_region(tissue(512 * 11, 512), None, model=ModelScale(512, None)))

    assert [shape[0] for shape in shapes] == [10, 1]


def test_note_names_the_scale_of_the_model():
    assert scale_note(0.25, FINE) == "Shrunk 2:1 to the model's 0.5 µm per pixel, by area."
    assert scale_note(1.0, FINE).startswith("Enlarged 1:2 to the model's 0.5 µm per pixel.")
    assert scale_note(0.5, UNKNOWN) == (
        "Cut into patches as it is, because the model's scale is unknown."
    )


def test_slide_is_cut_for_the_models_side(shapes, tmp_path):
    rgb = tissue_squares(640, 384, 192, [(0, 0), (1, 2)])
    with WholeSlide(write_slide(tmp_path / "s.svs", rgb, mpp_um=0.25)) as slide:
        layout = lay_out_slide(slide, slide.overview(), 0.25, model=FINE)
        answers = predict_slide(None, slide, layout)

        assert layout.x_edges_px.tolist() == [0, 192, 384, 576, 640]
        assert layout.places.tolist() == [[0, 0], [1, 2]]
        assert [shape[1:] for shape in shapes] == [(96, 96, 3)]
        assert (slide.tile(layout, 1, 2) == PINK).all()
    assert answers.cells()[0, 0] == 0.75


def test_box_larger_than_the_decoder_reads_is_put_together(tmp_path, monkeypatch):
    rgb = np.random.default_rng(1).integers(0, 256, (300, 300, 3), np.uint8)
    with WholeSlide(write_slide(tmp_path / "s.svs", rgb, mpp_um=1.0)) as slide:
        whole = slide.read(0, 0, (300, 300), 1.0)
        monkeypatch.setattr(whole_slide, "_MAX_SIDE_PX", 128)

        assert (slide.read(0, 0, (300, 300), 1.0) == whole).all()


def test_cells_smaller_than_an_overview_pixel_keep_their_tissue(tmp_path, monkeypatch):
    rgb = tissue_squares(1024, 512, 512, [(0, 0)])
    monkeypatch.setattr(whole_slide, "OVERVIEW_SIDE_PX", 16)  # 64 px of the slide a pixel
    with WholeSlide(write_slide(tmp_path / "s.svs", rgb, mpp_um=1.0)) as slide:
        layout = lay_out_slide(slide, slide.overview(), None, model=UNKNOWN)

    assert layout.tissue.shape == (16, 32)
    assert layout.tissue[:, :14].all() and not layout.tissue[:, 18:].any()


def test_too_many_patches_are_refused_by_their_number(tmp_path, monkeypatch):
    monkeypatch.setattr(whole_slide, "_MAX_CELLS", 10)
    with (
        WholeSlide(write_slide(tmp_path / "s.svs", tissue(320, 320), mpp_um=1.0)) as slide,
        pytest.raises(SlideError) as refused,
    ):
        lay_out_slide(slide, slide.overview(), None, model=UNKNOWN)

    assert str(refused.value) == (
        "'s.svs' would have 100 patches, more than the 10 that can be predicted at once; omit the "
        "overlap, or choose a run on larger patches."
    )


def test_export_names_the_classes_of_the_data_set(shapes):
    about = DataDescription(side_px=32, mpp_um=None, class_names=("benign", "malignant"))
    answers = predict_region(None, lay_out_region(tissue(32, 32), None, model=UNKNOWN))

    made = json.loads(region_geojson(answers, name="a", model="M", threshold=0.5, about=about))

    outline, tile = made["features"]
    assert outline["properties"]["classification"]["name"] == "malignant region (predicted)"
    assert tile["properties"]["classification"]["name"] == "malignant"
    assert tile["properties"]["measurements"] == {"Probability of malignant: M": 0.75}
    assert made["properties"]["um_per_px"] is None


def test_area_of_an_annotation_is_undefined_at_unknown_scale(shapes):
    inside = AnnotatedCells("a.geojson", ("tumour",), (np.array([0, 1]),), (1, 2))
    layout = replace(lay_out_region(tissue(64, 32), None, model=UNKNOWN).layout, annotated=inside)
    answers = RegionPredictions(layout, np.array([[0.75, 0.25]], np.float32))

    [summary] = annotation_summaries(answers, 0.5)

    assert summary.to_json() == {
        "name": "tumour",
        "cells": 2,
        "area_mm2": None,
        "positive_share": 0.5,
    }
