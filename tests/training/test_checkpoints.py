import numpy as np
import pytest

pytestmark = pytest.mark.slow  # imports TensorFlow


def small_model(units=2):
    import keras

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dropout(0.5), keras.layers.Dense(units)]
    )
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    return model


def train_a_step(model):
    model.train_on_batch(np.ones((4, 3), np.float32), np.zeros((4, 2), np.float32))


def state_of(model):
    return [np.asarray(v).copy() for v in [*model.variables, *model.optimizer.variables]]


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_restored_model_trains_exactly_like_the_saved_one(tmp_path):
    from idc.training.checkpoints import restore_checkpoint, save_checkpoint

    saved = small_model()
    train_a_step(saved)
    save_checkpoint(tmp_path, saved, 1, {"epochs": [{"epoch": 1}]})
    restored = small_model()
    found = restore_checkpoint(tmp_path, restored)
    train_a_step(saved)
    train_a_step(restored)

    assert (found.epoch, found.history, found.note()) == (1, {"epochs": [{"epoch": 1}]}, "")
    assert same(state_of(saved), state_of(restored))  # dropout masks and moments included


@pytest.mark.parametrize("damage", ["flipped", "cut", "zeroed", "emptied", "gone"])
def test_damaged_newest_checkpoint_falls_back_to_the_one_before(tmp_path, damage):
    from idc.training.checkpoints import restore_checkpoint, save_checkpoint

    model = small_model()
    train_a_step(model)
    save_checkpoint(tmp_path, model, 1, {"at": 1})
    first = state_of(model)
    train_a_step(model)
    save_checkpoint(tmp_path, model, 2, {"at": 2})
    newest = tmp_path / "checkpoints" / "epoch-0002.npz"
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    if damage == "gone":
        newest.unlink()
    else:
        newest.write_bytes(
            {
                "flipped": bytes(content),
                "cut": bytes(content[:-9]),
                "zeroed": bytes(len(content)),
                "emptied": b"",
            }[damage]
        )
    restored = small_model()

    found = restore_checkpoint(tmp_path, restored)
    assert (found.epoch, found.history) == (1, {"at": 1})
    assert found.note() == (
        "The newest checkpoint (epoch-0002) is damaged on disk; the run went on from epoch 1."
    )
    assert same(state_of(restored), first)


def test_checkpoint_of_another_network_is_not_restored(tmp_path):
    from idc.training.checkpoints import restore_checkpoint, save_checkpoint

    save_checkpoint(tmp_path, small_model(), 1, {})

    found = restore_checkpoint(tmp_path, small_model(units=5))
    assert (found.epoch, found.history, found.damaged) == (0, {}, ("epoch-0001",))


def test_only_the_last_two_checkpoints_are_kept(tmp_path):
    from idc.training.checkpoints import save_checkpoint

    model = small_model()
    for epoch in (1, 2, 3):
        save_checkpoint(tmp_path, model, epoch, {})

    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == [
        "epoch-0002.json",
        "epoch-0002.npz",
        "epoch-0003.json",
        "epoch-0003.npz",
    ]


def test_unusable_checkpoints_do_not_displace_new_ones(tmp_path):
    from idc.training.checkpoints import restore_checkpoint, save_checkpoint

    for epoch in (7, 8):
        save_checkpoint(tmp_path, small_model(units=5), epoch, {})
    model = small_model()
    assert restore_checkpoint(tmp_path, model).damaged == ("epoch-0008", "epoch-0007")
    for epoch in (1, 2):
        save_checkpoint(tmp_path, model, epoch, {})

    found = restore_checkpoint(tmp_path, small_model())
    assert (found.epoch, found.damaged) == (2, ())
    assert len(list((tmp_path / "checkpoints").iterdir())) == 4


def test_checkpoint_within_an_epoch_is_newest_and_keeps_running_means(tmp_path):
    from idc.runs.checkpoint_files import list_checkpoints
    from idc.training.checkpoints import restore_checkpoint, save_checkpoint

    model = small_model()
    for epoch, step in ((1, 0), (1, 40), (1, 120)):
        train_a_step(model)
        save_checkpoint(tmp_path, model, epoch, {"at": [epoch, step]}, step=step)
    found = restore_checkpoint(tmp_path, small_model())

    assert (found.epoch, found.step, found.history) == (1, 120, {"at": [1, 120]})
    assert same(found.running_means, [np.asarray(v) for v in model.metrics_variables])
    assert len(found.running_means) > 0
    assert [path.stem for path in list_checkpoints(tmp_path)] == [
        "epoch-0001-step-000120",
        "epoch-0001-step-000040",
    ]
    save_checkpoint(tmp_path, model, 2, {})
    assert list_checkpoints(tmp_path)[0].stem == "epoch-0002"
