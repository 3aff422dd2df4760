import numpy as np
import pytest

from idc.errors import UploadError
from idc.large_images import region
from idc.large_images.region import lay_out_region, predict_region, tile_at

PINK = (225, 150, 190)
GLASS = (244, 242, 245)


@pytest.fixture
def requested(monkeypatch):
    """The patches sent to a model that returns the blue of each one's centre, divided by 255."""
    requested: list[np.ndarray] = []

    def answer(run, patches):
        requested.extend(patches)
        return (patches[:, 25, 25, 2] / 255).astype(np.float32)

    monkeypatch.setattr(region, "predict_patches", answer)
    return requested


def image(width: int, height: int, rgb: tuple[int, int, int] = PINK) -> np.ndarray:
    return np.full((height, width, 3), rgb, np.uint8)


def test_cells_are_in_px_of_the_original_image(requested):
    region = lay_out_region(image(1700, 820), 0.25)  # 106 x 51 px at 4 um

    assert region.rgb.shape == (51, 106, 3)
    assert region.layout.x_edges_px.tolist() == [0, 800, 1600, 1700]
    assert region.layout.y_edges_px.tolist() == [0, 800, 820]
    assert region.layout.boxes_px()[-1].tolist() == [1600, 800, 100, 20]
    np.testing.assert_allclose(predict_region(None, region).cells(), np.full((2, 3), 190 / 255))
    assert len(requested) == 6


def test_background_is_not_predicted(requested):
    mixed = image(150, 50)
    mixed[:, 50:100] = GLASS
    answers = predict_region(None, lay_out_region(mixed, 4.0))

    assert len(requested) == 2
    assert answers.layout.places.tolist() == [[0, 0], [0, 2]]
    assert np.isnan(answers.cells()).tolist() == [[False, True, False]]


def test_image_of_bare_glass_has_no_tiles_to_predict(requested):
    answers = predict_region(None, lay_out_region(image(400, 300, GLASS), 4.0))

    assert requested == []
    assert np.isnan(answers.cells()).all()


def test_overlapping_tiles_are_averaged(requested):
    two = image(100, 50, (225, 150, 200))
    two[:, 50:] = (225, 150, 100)
    answers = predict_region(None, lay_out_region(two, 4.0, stride=25))

    assert len(requested) == 3  # at 0, 25 and 50
    left, middle, right = (requested[i][25, 25, 2] / 255 for i in range(3))
    assert (left, right) == (200 / 255, 100 / 255)
    np.testing.assert_allclose(
        answers.cells()[0], [left, (left + middle) / 2, (middle + right) / 2, right], rtol=1e-6
    )


def test_region_smaller_than_a_patch_is_mirrored(requested):
    small = image(30, 20)
    small[0] = (100, 60, 120)
    region = lay_out_region(small, 4.0)

    assert region.mirrored
    assert region.rgb.shape == (50, 50, 3)
    np.testing.assert_array_equal(region.rgb[20:40, :30], small[::-1])
    assert region.layout.boxes_px().tolist() == [[0, 0, 30, 20]]


def test_mirrored_cells_are_empty_and_not_tissue(requested):
    region = lay_out_region(image(80, 60), 1.0, stride=25)  # 20 x 15 px at 4 um

    assert region.layout.x_edges_px.tolist() == [0, 80, 80]
    assert region.layout.y_edges_px.tolist() == [0, 60, 60]
    assert region.layout.tissue.tolist() == [[True, False], [False, False]]
    assert region.layout.boxes_px().tolist() == [[0, 0, 80, 60]]
    assert len(requested) == 0
    assert predict_region(None, region).cells()[0, 0] == np.float32(190 / 255)
    assert len(requested) == 1


def test_narrow_region_with_overlap_keeps_the_cells_along_its_length(requested):
    layout = lay_out_region(image(400, 80), 1.0, stride=25).layout  # 100 x 20 px at 4 um

    assert layout.x_edges_px.tolist() == [0, 100, 200, 300, 400]
    assert layout.y_edges_px.tolist() == [0, 80, 80]
    assert layout.tissue.tolist() == [[True] * 4, [False] * 4]


def test_very_wide_regions_work(requested):
    answers = predict_region(None, lay_out_region(image(16_000, 60), 4.0))

    assert answers.cells().shape == (2, 320)


def test_enlarged_regions_have_no_empty_cell(requested):
    region = lay_out_region(image(53, 30), 15.9)

    assert (region.layout.boxes_px()[:, 2:] > 0).all()
    assert region.layout.x_edges_px[-1] == 53


def test_opened_tile_is_the_models_input(requested):
    rng = np.random.default_rng(0)
    noisy = np.clip(image(130, 60) + rng.integers(-9, 9, (60, 130, 3)), 0, 255).astype(np.uint8)
    region = lay_out_region(noisy, 4.0)
    predict_region(None, region)

    np.testing.assert_array_equal(tile_at(region, 1, 2), noisy[10:60, 80:130])
    np.testing.assert_array_equal(requested[-1], noisy[10:60, 80:130])


def test_progress_counts_the_tiles_with_tissue(requested):
    calls = []
    predict_region(
        None, lay_out_region(image(1000, 1500), 4.0), on_progress=lambda *call: calls.append(call)
    )

    assert calls == [(512, 600), (600, 600)]


def test_implausible_scale_is_refused():
    with pytest.raises(UploadError, match="far less than a patch"):
        lay_out_region(image(60, 60), 0.25)
