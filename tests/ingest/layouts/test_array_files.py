"""HDF5 pairs as PCam has them, and .npz files as MedMNIST has them."""

import h5py
import numpy as np
import pytest

from idc.datasets.store import open_store
from idc.errors import DataError
from idc.ingest.layouts.plan import PackOptions
from idc.ingest.pack_data import pack_data, preview_data

PICTURES = np.random.default_rng(0).integers(0, 256, (4, 96, 96, 3), np.uint8)


def write_pair(folder, stem, pictures, labels):
    with h5py.File(folder / f"{stem}_x.h5", "w") as file:
        file["x"] = pictures
    with h5py.File(folder / f"{stem}_y.h5", "w") as file:
        file["y"] = np.array(labels, np.uint8).reshape(-1, 1, 1, 1)


def test_pcam_pairs_become_a_store_with_parts(home, tmp_path):
    for part in ("train", "valid", "test"):
        write_pair(tmp_path, f"camelyonpatch_level_2_split_{part}", PICTURES, [0, 1, 1, 0])

    pack_data([tmp_path], "pcam", PackOptions(mpp_um=0.972))

    store = open_store("pcam")
    assert store.patches.shape == (12, 96, 96, 3)
    assert store.description.mpp_um == 0.972
    assert store.index["part"].value_counts().to_dict() == {0: 4, 1: 4, 2: 4}
    test = store.index["part"].to_numpy() == 2
    assert np.array_equal(store.patches[test], PICTURES)
    assert store.labels[test].tolist() == [0, 1, 1, 0]


def test_table_beside_a_pcam_pair_gives_the_cases(home, tmp_path):
    write_pair(tmp_path, "split_train", PICTURES, [0, 1, 1, 0])
    rows = "".join(f"96,96,False,slide_{n % 2}\n" for n in range(4))
    (tmp_path / "split_train_meta.csv").write_text("coord_y,coord_x,tumor_patch,wsi\n" + rows)

    pack_data([tmp_path / "split_train_x.h5", tmp_path / "split_train_y.h5"], "pcam")

    store = open_store("pcam")
    assert store.description.case_names == ("slide_0", "slide_1")
    assert not store.description.has_places  # two patches at one place
    assert not store.description.has_parts


def test_medmnist_file_of_two_classes_is_packed(home, tmp_path):
    grey = PICTURES[:, :28, :28, 0]
    arrays = {}
    for part in ("train", "val", "test"):
        arrays |= {f"{part}_images": grey, f"{part}_labels": np.array([[0], [1], [1], [0]])}
    np.savez(tmp_path / "breastmnist.npz", **arrays)

    pack_data([tmp_path / "breastmnist.npz"], "medmnist")

    store = open_store("medmnist")
    assert store.patches.shape == (12, 28, 28, 3)
    assert np.array_equal(store.patches[0], np.repeat(grey[0][..., None], 3, axis=2))
    assert store.index["part"].tolist() == [0] * 4 + [1] * 4 + [2] * 4


def test_medmnist_file_of_several_classes_needs_the_positive_one(home, tmp_path):
    np.savez(
        tmp_path / "pathmnist.npz",
        train_images=PICTURES[:, :28, :28],
        train_labels=np.array([[0], [3], [8], [8]]),
    )

    preview, _, _ = preview_data([tmp_path / "pathmnist.npz"])
    pack_data([tmp_path / "pathmnist.npz"], "set", PackOptions(positive=("8",)))

    assert preview.question.startswith("Which class is positive? The classes are '0', '3', '8'")
    assert open_store("set").labels.tolist() == [0, 0, 1, 1]
    assert open_store("set").description.class_names == ("0 or 3", "class 8")


@pytest.mark.parametrize(
    ("name", "write", "sentence"),
    [
        ("a_x.h5", lambda p: p.write_bytes(b"no HDF5"), "has no partner 'a_y.h5'"),
        ("a.h5", lambda p: p.write_bytes(b"no HDF5"), "is none of a pair"),
        ("a.npz", lambda p: p.write_bytes(b"no zip"), "is not a readable .npz file"),
        ("a.npz", lambda p: np.savez(p, x=PICTURES), "holds the arrays x;"),
        (
            "a.npz",
            lambda p: np.savez(p, train_images=PICTURES, train_labels=np.zeros((4, 14))),
            "has 14 labels for each picture",
        ),
        (
            "a.npz",
            lambda p: np.savez(p, train_images=PICTURES, train_labels=np.zeros(3)),
            "holds 4 pictures but 3 labels",
        ),
        (
            "a.npz",
            lambda p: np.savez(p, train_images=np.zeros((2, 8, 8, 8, 3)), train_labels=[0, 1]),
            "pictures are uint8 of shape",
        ),
    ],
)
def test_other_arrays_are_refused_with_a_sentence(home, tmp_path, name, write, sentence):
    write(tmp_path / name)

    with pytest.raises(DataError, match=sentence):
        pack_data([tmp_path / name], "set")


def test_damaged_hdf5_pair_is_refused(home, tmp_path):
    write_pair(tmp_path, "a", PICTURES, [0, 1, 1, 0])
    (tmp_path / "a_y.h5").write_bytes(b"no HDF5")

    with pytest.raises(DataError, match=r"'a_y\.h5' is not a readable HDF5 file"):
        pack_data([tmp_path], "set")
