import numpy as np
import pytest

pytestmark = pytest.mark.slow  # imports TensorFlow

PATCHES = np.arange(10, dtype=np.uint8)[:, None, None, None] * np.ones((50, 50, 3), np.uint8)
LABELS = np.array([0, 1] * 5)
ROWS = np.array([1, 2, 4, 7, 8])


def batches(epoch=1, seed=0, augmentation="none"):
    from idc.training.batches import TrainingBatches

    return TrainingBatches(
        PATCHES, LABELS, ROWS, batch_size=2, augmentation=augmentation, seed=seed, epoch=epoch
    )


def rows_of(epoch_batches):
    return [[int(patch[0, 0, 0]) for patch in patches] for patches, _ in epoch_batches]


def test_epoch_contains_each_training_patch_once_with_its_label():
    epoch = [batches()[step] for step in range(len(batches()))]

    shown = [row for batch in rows_of(epoch) for row in batch]
    assert sorted(shown) == [1, 2, 4, 7, 8]
    assert [len(patches) for patches, _ in epoch] == [2, 2, 1]
    targets = np.concatenate([target for _, target in epoch])
    assert targets.argmax(axis=1).tolist() == [LABELS[row] for row in shown]
    assert targets.dtype == np.float32


def test_order_depends_on_seed_and_epoch():
    def order(**choice):
        epoch = batches(**choice)
        return rows_of([epoch[step] for step in range(3)])

    assert order(epoch=1) == order(epoch=1)
    assert order(epoch=1) != order(epoch=2)
    assert order(seed=0) != order(seed=1)


def test_any_batch_can_be_reproduced_alone():
    patches, _ = batches(epoch=3, augmentation="flips+stain")[1]
    again, _ = batches(epoch=3, augmentation="flips+stain")[1]

    assert np.array_equal(patches, again)


def test_resampling_balances_classes_at_the_same_total():
    from idc.training.batches import TrainingBatches

    rows = np.array([0, 2, 4, 6, 1])  # four negative, one positive
    epoch = TrainingBatches(
        PATCHES,
        LABELS,
        rows,
        batch_size=5,
        augmentation="none",
        balancing="resampling",
        seed=0,
        epoch=1,
    )
    patches, targets = epoch[0]

    assert len(epoch) == 1
    assert targets.sum(axis=0).tolist() == [3.0, 2.0]
    shown = [int(patch[0, 0, 0]) for patch in patches]
    assert shown.count(1) == 2
    assert len(set(shown) - {1}) == 3  # the commoner class does not repeat itself


def test_resampling_a_single_class_changes_nothing():
    from idc.training.batches import TrainingBatches

    epoch = TrainingBatches(
        PATCHES,
        LABELS,
        np.array([0, 2, 4]),
        batch_size=3,
        augmentation="none",
        balancing="resampling",
        seed=0,
        epoch=1,
    )

    assert sorted(int(patch[0, 0, 0]) for patch in epoch[0][0]) == [0, 2, 4]


def test_class_weights_equalise_both_classes():
    from idc.training.batches import class_weights

    assert class_weights(np.array([0, 0, 0, 1])) == {0: 4 / 6, 1: 2.0}
    assert class_weights(np.array([0, 0])) == {0: 1.0, 1: 1.0}
