import keras
import numpy as np
import pytest

from idc.errors import ConfigError
from idc.networks.models import build_model
from idc.networks.precision import precision_scope
from idc.settings.training_config import preset_config
from idc.training.checkpoints import restore_checkpoint, save_checkpoint
from idc.training.objective import compile_model


@pytest.fixture
def gpu(monkeypatch):
    """A device that claims to have a GPU; the CPU also computes float16, but slowly."""
    monkeypatch.setattr("idc.networks.precision.uses_gpu", lambda: True)


def mixed_model():
    with precision_scope("mixed"):
        model = build_model("fast")
    compile_model(model, preset_config("fast", "a"), steps=10)
    return model


def state(model):
    return [np.asarray(v) for v in (*model.variables, *model.optimizer.variables)]


def test_mixed_precision_without_gpu_is_rejected(monkeypatch):
    monkeypatch.setattr("idc.networks.precision.uses_gpu", lambda: False)

    with pytest.raises(ConfigError, match="Choose precision float32"):
        precision_scope("mixed").__enter__()
    assert keras.config.dtype_policy().name == "float32"


def test_mixed_network_computes_in_float16_and_outputs_float32(gpu):
    model = mixed_model()

    assert model.get_layer("stem").compute_dtype == "float16"
    assert {str(v.dtype) for v in model.trainable_variables} == {"float32"}
    assert model.compute_output_spec(model.input).dtype == "float32"
    assert keras.config.dtype_policy().name == "float32"  # others are built as before


@pytest.mark.slow
def test_checkpoint_restores_the_loss_scale_optimizer(gpu, tmp_path):
    patches = np.random.default_rng(0).integers(0, 256, (8, 50, 50, 3), np.uint8)
    targets = np.eye(2, dtype=np.float32)[np.arange(8) % 2]
    model = mixed_model()
    model.train_on_batch(patches, targets)
    save_checkpoint(tmp_path, model, 1, {"epochs": [1]})

    again = mixed_model()
    restored = restore_checkpoint(tmp_path, again)
    assert (restored.epoch, restored.history) == (1, {"epochs": [1]})

    names = [variable.name for variable in again.optimizer.variables]
    assert {"dynamic_scale", "step_counter", "iteration"} <= set(names)
    for ours, theirs in zip(state(again), state(model), strict=True):
        np.testing.assert_array_equal(ours, theirs)
