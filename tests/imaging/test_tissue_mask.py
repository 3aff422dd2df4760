import numpy as np
import pytest

from idc.datasets.stitched_slide import lay_out_case
from idc.datasets.store import open_store
from idc.demo_tissue.generate import generate_slide, slide_patches
from idc.imaging.tissue_mask import MIN_TISSUE_SHARE, cell_shares, tissue_mask


def field(rgb: tuple[int, int, int], noise: float = 0) -> np.ndarray:
    """A field of 100 x 100 px of one colour, and noise of the sensor on it."""
    rng = np.random.default_rng(0)
    values = np.array(rgb) + rng.normal(0, noise, (100, 100, 3))
    return np.clip(values, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("what", "image"),
    [
        ("white", field((255, 255, 255))),
        ("glass", field((244, 242, 245), noise=2)),
        ("cream", field((250, 246, 238), noise=1)),
        ("grey", field((190, 190, 190), noise=2)),
        ("black beside the scan", field((2, 2, 2), noise=2)),
    ],
)
def test_an_empty_field_is_all_background(what, image):
    assert not tissue_mask(image).any()


@pytest.mark.parametrize("rgb", [(225, 150, 190), (110, 70, 140), (235, 205, 220)])
def test_a_field_full_of_tissue_is_all_tissue(rgb):
    assert tissue_mask(field(rgb, noise=3)).all()


def test_tissue_beside_glass_is_found():
    image = field((244, 242, 245), noise=2)
    image[:, 50:] = field((225, 150, 190), noise=5)[:, 50:]
    mask = tissue_mask(image)

    assert not mask[:, :47].any()
    assert mask[:, 53:].all()


def test_generated_tissue_is_told_from_its_glass():
    slide = generate_slide(0, 1)
    mask = tissue_mask(slide.rgb)

    agree = (mask == slide.tissue).mean()
    assert agree > 0.93
    cells = [mask[n.y : n.y + 50, n.x : n.x + 50].mean() for n, _ in slide_patches(slide)]
    assert min(cells) >= MIN_TISSUE_SHARE  # no patch of the demo would be left out


def test_shares_are_exact_also_of_cells_at_the_edge():
    mask = np.zeros((75, 75), bool)
    mask[:50, :25] = True
    mask[50:, 50:] = True
    edges = np.array([0, 50, 75])

    assert cell_shares(mask, edges, edges).tolist() == [[0.5, 0.0], [0.0, 1.0]]


def test_a_cell_without_a_pixel_holds_none():
    edges = np.array([0, 2, 2, 4])

    assert cell_shares(np.ones((4, 4), bool), edges, edges)[1].tolist() == [0, 0, 0]


@pytest.mark.real
def test_real_patches_pass_as_tissue_and_the_positive_ones_all(real_data, home):
    from idc.datasets.stitched_slide import stitch_slide
    from idc.ingest.packing import pack

    pack([real_data / "idc_complete_cases.zip"], "real")
    store = open_store("real")
    found, labels = [], []
    for case in np.unique(store.cases):
        slide = lay_out_case(store, int(case))
        mask = tissue_mask(stitch_slide(store, slide))
        for (x, y, width, height), label in zip(slide.boxes, slide.labels, strict=True):
            found.append(mask[y : y + height, x : x + width].mean() >= MIN_TISSUE_SHARE)
            labels.append(label)
    kept, positive = np.array(found), np.array(labels) == 1

    assert kept[positive].all()
    assert kept.mean() > 0.98
