import zipfile

import numpy as np
import pytest

from idc.datasets import measurements
from idc.datasets.measurements import (
    has_measurements,
    measure_patches,
    measure_store,
    saved_measurements,
)
from idc.datasets.store_trash import delete_store
from idc.errors import DataError
from idc.files.home import data_dir
from idc.imaging.rescaling import to_patch_size
from idc.ingest.packing import decode_patch
from idc.patches import PatchName
from tests.support.made_patches import store_of, tiny_store

WHITE, DARK = (255, 255, 255), (63, 63, 63)


def of_colour(*colours):
    return np.stack([np.full((50, 50, 3), colour, np.uint8) for colour in colours])


def density(value):
    return -np.log10((value + 1) / 256)


def row_of(count):
    return [PatchName(case=1, y=1, x=1 + 50 * n, label=0) for n in range(count)]


def saved_files():
    return sorted(path.name for path in (data_dir() / "tiny").glob("*measurements*"))


def test_glass_has_no_tissue_and_no_stain():
    tissue, stain, haematoxylin = measure_patches(of_colour(WHITE))[0]

    assert (tissue, stain, haematoxylin) == (0, 0, 0)


def test_stain_is_the_mean_optical_density():
    tissue, stain, _ = measure_patches(of_colour(DARK))[0]

    assert tissue == 1
    assert stain == pytest.approx(np.log10(4), abs=1e-6)  # (63 + 1) / 256 is a quarter


def test_tissue_share_counts_pixels():
    patch = of_colour(WHITE)
    patch[0, :10] = DARK  # 10 of 50 rows

    assert measure_patches(patch)[0, 0] == pytest.approx(0.2)


def test_tissue_begins_at_a_density_of_0_065():
    # 219 has a density of 0.0658, 220 of 0.0639
    assert measure_patches(of_colour((219,) * 3, (220,) * 3))[:, 0].tolist() == [1, 0]


def test_haematoxylin_is_separated_from_eosin():
    # The colour of one stain at a density of 0.4, by the published vectors.
    def light(*vector):
        direction = np.array(vector) / np.linalg.norm(vector)
        return tuple(np.round(256 * 10 ** (-0.4 * direction) - 1).astype(int).tolist())

    found = measure_patches(of_colour(light(0.65, 0.70, 0.29), light(0.07, 0.99, 0.11)))

    assert found[:, 2] == pytest.approx([0.4, 0.0], abs=0.01)


def test_block_size_does_not_change_the_result():
    patches = np.random.default_rng(0).integers(0, 256, (130, 50, 50, 3)).astype(np.uint8)

    together = measure_patches(patches)

    alone = np.concatenate([measure_patches(patches[n : n + 1]) for n in range(130)])
    assert np.array_equal(together, alone)


def test_store_is_measured_in_its_order_and_saved(home, monkeypatch):
    monkeypatch.setattr(measurements, "_BLOCK_BYTES", 7 * 7_500)
    store = tiny_store("tiny", cases=3, per_case=10)
    seen = []

    measured = measure_store(store, on_progress=lambda done, total: seen.append((done, total)))

    expected = measure_patches(np.asarray(store.patches))
    assert seen == [(7, 30), (14, 30), (21, 30), (28, 30), (30, 30)]
    kept = saved_measurements(store)
    for column, name in enumerate(measurements.COLUMNS):
        assert np.array_equal(getattr(measured, name), expected[:, column]), name
        assert np.array_equal(getattr(kept, name), expected[:, column]), name


def test_unmeasured_store_has_no_table(home):
    store = tiny_store("tiny")

    assert not has_measurements(store)
    assert saved_measurements(store) is None


def test_stopped_measuring_saves_nothing(home):
    store = tiny_store("tiny")

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure_store(store, on_progress=stop)

    assert saved_files() == []


def test_new_packing_has_no_measurements(home):
    measure_store(tiny_store("tiny"))
    delete_store("tiny")

    again = tiny_store("tiny", cases=4)

    assert saved_measurements(again) is None


def test_measurements_of_a_replaced_store_are_not_saved(home):
    store = tiny_store("tiny", per_case=12)

    def replace(done, total):
        delete_store("tiny")
        tiny_store("tiny", per_case=13)

    with pytest.raises(DataError, match="was replaced while it was being measured"):
        measure_store(store, on_progress=replace)

    assert saved_files() == []


def test_measuring_a_deleted_store_raises_data_error(home):
    store = tiny_store("tiny")
    delete_store("tiny")

    with pytest.raises(DataError, match=r"could not be measured .*; check the disk"):
        measure_store(store)


@pytest.mark.parametrize("position", [4, 60, 300, -4])
def test_damaged_table_counts_as_missing(home, position):
    store = tiny_store("tiny")
    measure_store(store)
    path = data_dir() / "tiny" / saved_files()[0]
    content = bytearray(path.read_bytes())
    content[position] ^= 0xFF
    path.write_bytes(content)

    assert saved_measurements(store) is None


def test_table_is_small(home):
    store = store_of("flat", row_of(1_000))
    measure_store(store)

    (path,) = (data_dir() / "flat").glob("measurements*")
    assert path.stat().st_size < 1_000 * 16 + 2_000  # three float32 per patch, and metadata


@pytest.mark.real
def test_real_tumour_is_darker_and_denser(real_data):
    with zipfile.ZipFile(real_data / "idc_complete_cases.zip") as archive:
        names = [name for name in archive.namelist() if name.endswith(".png")]
        means = []
        for label in (0, 1):
            some = [name for name in names if f"class{label}" in name][::20]
            patches = np.stack([to_patch_size(decode_patch(archive.read(name))) for name in some])
            means.append(measure_patches(patches).mean(axis=0))

    negative, positive = means
    assert (positive > negative).all()
    assert positive[0] > 0.8  # a carcinoma is solid tissue
    assert 0.1 < negative[1] < positive[1] < 0.4
