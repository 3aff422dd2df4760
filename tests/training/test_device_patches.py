import keras
import numpy as np
import pytest

from idc.launch.start import create_run, prepare_to_resume
from idc.networks.precision import precision_scope
from idc.runs.checkpoint_files import list_checkpoints, read_checkpoint
from idc.training import loop, setup
from idc.training.augmentation import augment, draw_augmentation
from idc.training.device_patches import PatchesOnDevice, device_inputs, model_with_device_patches
from idc.training.input_pipeline import InputPipeline, choose_input_pipeline
from tests.support.made_patches import tiny_store
from tests.support.programs.backend_trainer import without_dropout
from tests.support.tiny_training import compile_for_real, tiny_config

pytestmark = pytest.mark.slow  # imports TensorFlow

PATCHES = np.random.default_rng(0).integers(0, 256, (40, 50, 50, 3), np.uint8)
ON_DEVICE = InputPipeline(patches_on_device=True, steps_per_execution=3)


@pytest.mark.parametrize(("kind", "apart"), [("none", 0), ("flips", 0), ("flips+stain", 1)])
def test_device_augments_patches_as_the_host_does(kind, apart):
    rows = np.array([3, 39, 3, 0, 17, *range(20)])
    drawn = draw_augmentation(kind, np.random.default_rng(5), len(rows))

    on_device = np.asarray(PatchesOnDevice(PATCHES)(device_inputs(rows, drawn)))

    on_host = augment(PATCHES[rows], kind, np.random.default_rng(5))
    assert on_device.dtype == np.uint8
    assert np.abs(on_device.astype(int) - on_host).max() <= apart


def test_mixed_precision_receives_the_same_patches(monkeypatch):
    monkeypatch.setattr("idc.networks.precision.uses_gpu", lambda: True)
    rows = np.arange(8)
    drawn = draw_augmentation("flips+stain", np.random.default_rng(5), len(rows))
    shown = keras.Model(image := keras.Input((50, 50, 3), dtype="uint8"), image)

    with precision_scope("mixed"):
        mixed = model_with_device_patches(shown, PATCHES, "flips+stain")

    plain = PatchesOnDevice(PATCHES)(device_inputs(rows, drawn))
    assert np.array_equal(mixed.predict_on_batch(device_inputs(rows, drawn)), plain)


@pytest.fixture
def train(home, monkeypatch):
    """Trains a new run on 36 patches, four steps an epoch, fed in one way or another."""
    tiny_store("tiny", cases=3, per_case=12)
    monkeypatch.setattr(setup, "build_model", without_dropout)
    monkeypatch.setattr("idc.networks.weights.build_model", without_dropout)
    monkeypatch.setattr(setup, "compile_model", compile_for_real)

    def train(*ways, **settings):
        run = create_run(tiny_config(batch_size=8, epochs=1, **settings))
        for number, way in enumerate(ways):
            if number:
                prepare_to_resume(run, more_epochs=1)
            monkeypatch.setattr(setup, "choose_input_pipeline", lambda patches, way=way: way)
            loop.train(run)
        return run

    return train


def state(run):
    """The newest checkpoint's epoch and variables."""
    description, arrays = read_checkpoint(list_checkpoints(run.folder)[0])
    return description["epoch"], [arrays[name] for name in sorted(arrays)]


@pytest.mark.parametrize("augmentation", ["none", "flips", "flips+stain"])
def test_patches_on_the_device_train_to_the_same_weights(train, augmentation):
    fed = train(InputPipeline(), augmentation=augmentation)
    on_device = train(ON_DEVICE, augmentation=augmentation)

    for one, other in zip(state(fed)[1], state(on_device)[1], strict=True):
        assert one == pytest.approx(other, rel=1e-3, abs=1e-4)
    assert on_device.best() == {**fed.best(), "sha256": on_device.best()["sha256"]}


def test_execution_of_several_steps_logs_its_last_step(train):
    run = train(ON_DEVICE)

    assert [line["step"] for line in run.log().steps] == [3, 4]  # the last call is a short one
    assert run.status().state == "finished"


def test_run_resumes_with_another_input_pipeline(train):
    changing = train(InputPipeline(), ON_DEVICE, InputPipeline())
    steady = train(InputPipeline(), InputPipeline(), InputPipeline())

    assert state(changing)[0] == state(steady)[0] == 3
    for one, other in zip(state(changing)[1], state(steady)[1], strict=True):
        assert one == pytest.approx(other, rel=1e-3, abs=1e-4)


@pytest.mark.parametrize(
    ("free_bytes", "holds"), [(4 * PATCHES.nbytes, True), (4 * PATCHES.nbytes - 1, False)]
)
def test_gpu_holds_patches_that_fit_a_quarter_of_free_memory(monkeypatch, free_bytes, holds):
    monkeypatch.setattr("idc.training.input_pipeline.uses_gpu", lambda: True)
    monkeypatch.setattr("idc.training.input_pipeline.free_gpu_bytes", lambda: free_bytes)
    monkeypatch.setattr("idc.training.input_pipeline.usable_cores", lambda: 4)

    way = choose_input_pipeline(PATCHES)

    assert (way.patches_on_device, way.threads) == ((True, 1) if holds else (False, 4))
    assert way.steps_per_execution > 1


def test_patches_stay_on_host_when_gpu_memory_is_unknown(monkeypatch):
    monkeypatch.setattr("idc.training.input_pipeline.uses_gpu", lambda: True)
    monkeypatch.setattr("idc.training.input_pipeline.free_gpu_bytes", lambda: None)

    assert not choose_input_pipeline(PATCHES).patches_on_device


def test_cpu_uses_one_thread_and_single_steps(monkeypatch):
    monkeypatch.setattr("idc.training.input_pipeline.uses_gpu", lambda: False)

    assert choose_input_pipeline(PATCHES) == InputPipeline()


@pytest.mark.parametrize("threads", [1, 3])
def test_batches_prepared_in_advance_are_the_same(train, threads):
    run = train(InputPipeline(threads=threads, steps_per_execution=2))
    plain = train(InputPipeline())

    assert [line["loss"] for line in run.log().epochs] == pytest.approx(
        [line["loss"] for line in plain.log().epochs], rel=1e-5
    )
