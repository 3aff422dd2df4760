import numpy as np
import pytest

from idc.errors import SlideError, UploadError
from idc.large_images import whole_slide
from idc.large_images.whole_slide import WholeSlide, lay_out_slide, predict_slide
from tests.support.made_slides import GLASS, PINK, tissue_squares, write_slide

SQUARES = [(0, 0), (1, 2)]


@pytest.fixture
def slide(tmp_path):
    """A slide at 1 um per px: 3 x 2 patches of 200 px and a rest of 40 px; two are tissue."""
    rgb = tissue_squares(640, 400, 200, SQUARES)
    with WholeSlide(write_slide(tmp_path / "s.svs", rgb, mpp_um=1.0)) as opened:
        yield opened


@pytest.fixture
def requested(monkeypatch):
    """The patches sent to a model that returns the red of each one's centre, divided by 255."""
    requested: list[np.ndarray] = []

    def answer(run, patches):
        requested.extend(patches)
        return (patches[:, 25, 25, 0] / 255).astype(np.float32)

    monkeypatch.setattr(whole_slide, "predict_patches", answer)
    return requested


def test_metadata_of_an_aperio_file(slide):
    assert (slide.width, slide.height, slide.mpp_um) == (640, 400, 1.0)
    assert slide.downsamples == [1.0, 4.0]


def test_resolution_tags_of_a_pyramidal_tiff(tmp_path):
    rgb = tissue_squares(256, 256, 200, [(0, 0)])
    with WholeSlide(write_slide(tmp_path / "s.tif", rgb, mpp_um=0.5)) as opened:
        assert opened.mpp_um == pytest.approx(0.5)


def test_boxes_are_read_at_the_level_of_the_models_scale(slide):
    box = slide.read(200, 200, (50, 50), 4.0)
    assert (box == GLASS).all()

    assert (slide.read(400, 200, (50, 50), 4.0) == PINK).all()


def test_finer_level_is_downscaled_between_two_levels(tmp_path):
    y, x = np.mgrid[:256, :256]
    board = np.repeat(((x + y) % 2 * 254).astype(np.uint8)[..., None], 3, axis=2)
    with WholeSlide(write_slide(tmp_path / "s.svs", board, mpp_um=2.0)) as opened:
        assert (opened.read(0, 0, (50, 50), 2.0) == 127).all()


def test_outside_of_the_slide_is_white(slide):
    assert (slide.read(640, 0, (10, 10), 1.0) == 255).all()


def test_overview_does_not_depend_on_the_number_of_boxes(slide, monkeypatch):
    assert slide.overview_reads == 1
    whole = slide.overview()
    monkeypatch.setattr(whole_slide, "_MAX_SIDE_PX", 100)

    assert slide.overview_reads == 28
    np.testing.assert_array_equal(slide.overview(), whole)
    assert whole.shape == (400, 640, 3)


def test_only_tissue_is_predicted(slide, requested):
    layout = lay_out_slide(slide, slide.overview(), 1.0)
    calls = []
    answers = predict_slide(None, slide, layout, on_progress=lambda *call: calls.append(call))

    assert layout.places.tolist() == [list(square) for square in SQUARES]
    assert layout.x_edges_px.tolist() == [0, 200, 400, 600, 640]
    assert len(requested) == 2
    assert all((patch == PINK).all() for patch in requested)
    np.testing.assert_allclose(answers.cells()[layout.tissue], 225 / 255)
    assert calls == [(2, 2)]
    np.testing.assert_array_equal(slide.tile(layout, 1, 2), requested[1])


def test_predictions_do_not_depend_on_the_block_size(tmp_path, requested, monkeypatch):
    rng = np.random.default_rng(0)
    rgb = np.clip(rng.normal(PINK, 20, (230, 420, 3)), 0, 255).astype(np.uint8)
    with WholeSlide(write_slide(tmp_path / "s.svs", rgb, mpp_um=4.0, levels=())) as opened:
        layout = lay_out_slide(opened, opened.overview(), 4.0, stride=25)
        whole = predict_slide(None, opened, layout).tiles
        monkeypatch.setattr(whole_slide, "_MAX_SIDE_PX", 120)
        monkeypatch.setattr(whole_slide, "_BATCH_SIZE", 10)
        in_blocks = predict_slide(None, opened, layout).tiles

    assert not np.isnan(whole).any()
    np.testing.assert_array_equal(in_blocks, whole)
    np.testing.assert_array_equal(requested[0], rgb[:50, :50])


@pytest.mark.parametrize("data", [b"", b"no slide", b"II*\0\x08\0\0\0\xff\xff" + b"\xff" * 400])
def test_other_files_are_refused(tmp_path, data):
    path = tmp_path / "bad.svs"
    path.write_bytes(data)

    with pytest.raises(SlideError, match=r"^'bad\.svs' is not a whole-slide file that OpenSlide"):
        WholeSlide(path)


def test_dead_decoder_is_one_error_and_then_replaced(slide):
    slide._child.close()

    assert slide.read(0, 0, (5, 5), 4.0).shape == (5, 5, 3)


def test_damaged_pixels_are_a_slide_error(tmp_path):
    path = write_slide(tmp_path / "s.svs", tissue_squares(640, 400, 200, SQUARES), mpp_um=1.0)
    with WholeSlide(path) as opened:
        path.write_bytes(path.read_bytes()[:3_000])
        with pytest.raises(SlideError, match="it is damaged"):
            opened.read(0, 0, (50, 50), 4.0)


@pytest.mark.parametrize(
    ("mpp_um", "error", "sentence"),
    [(0.01, UploadError, "between 0.05 and 16"), (0.25, SlideError, "smaller than a patch")],
)
def test_implausible_scales_are_refused(slide, mpp_um, error, sentence):
    with pytest.raises(error, match=sentence):
        lay_out_slide(slide, slide.overview(), mpp_um)
