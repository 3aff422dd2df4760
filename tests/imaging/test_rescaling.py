import numpy as np
import pytest

from idc.errors import UploadError
from idc.imaging.rescaling import fits_one_patch, resize_to, scale_note, scaled_size, to_model_scale


def checkerboard(side: int) -> np.ndarray:
    """Black and white pixels by turns, uint8 RGB."""
    y, x = np.mgrid[:side, :side]
    return np.repeat(((x + y) % 2 * 254).astype(np.uint8)[..., None], 3, axis=2)


def test_shrinking_averages_covered_pixels_without_aliasing():
    shrunk = to_model_scale(checkerboard(320), 1.0)

    assert shrunk.shape == (80, 80, 3)
    assert (shrunk == 127).all()


def test_shrinking_by_an_odd_factor_keeps_the_mean_within_rounding():
    shrunk = to_model_scale(checkerboard(300), 0.4)  # 10:1

    assert shrunk.shape == (30, 30, 3)
    assert (shrunk == 127).all()


def test_what_has_the_models_scale_passes_untouched():
    image = checkerboard(60)

    assert to_model_scale(image, 4.0) is image


def test_enlarging_runs_evenly_between_two_pixels():
    two = np.array([[[0] * 3, [100] * 3]], np.uint8)

    assert resize_to(two, (4, 1))[0, :, 0].tolist() == [0, 25, 75, 100]


@pytest.mark.parametrize(
    ("mpp_um", "size"), [(0.25, (125, 125)), (0.5, (250, 250)), (4.0, (2000, 2000)), (8.0, None)]
)
def test_size_follows_from_the_scale(mpp_um, size):
    assert scaled_size(2000, 2000, mpp_um) == (size or (4000, 4000))


@pytest.mark.parametrize("mpp_um", [0.0, -1.0, 0.04, 17.0, float("nan"), float("inf")])
def test_nonsense_scale_is_refused(mpp_um):
    with pytest.raises(UploadError, match=r"between 0\.05 and 16 um per pixel"):
        scaled_size(2000, 2000, mpp_um)


def test_a_speck_is_refused():
    with pytest.raises(UploadError, match="25 x 25 um, far less than a patch"):
        scaled_size(100, 100, 0.25)


def test_a_field_as_large_as_a_hand_is_refused():
    with pytest.raises(UploadError, match="16,000 x 16,000 px at the model's scale"):
        scaled_size(4000, 4000, 16.0)


def test_notes_say_what_happens():
    assert scale_note(0.25) == "Shrunk 16:1 to the model's 4 µm per pixel, by area."
    assert scale_note(8.0).startswith(
        "Enlarged 1:2 to the model's 4 µm per pixel. That adds no detail"
    )
    assert scale_note(4.0) == "It already has the model's scale, 4 µm per pixel."


@pytest.mark.parametrize(
    ("width", "height", "mpp_um", "fits"),
    [
        (60, 55, None, True),
        (201, 90, None, False),
        (800, 800, 0.25, True),  # 200 um
        (800, 400, 0.25, False),
        (100, 100, 4.0, False),  # 400 um
    ],
)
def test_one_patch_is_told_from_a_region(width, height, mpp_um, fits):
    assert fits_one_patch(width, height, mpp_um) is fits
