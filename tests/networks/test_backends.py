"""The same training on Keras over JAX as over TensorFlow: the same scores, each other's files."""

import importlib.util
import shutil
import signal

import numpy as np
import pytest

from idc.launch.start import create_run, prepare_to_resume
from idc.networks.backends import portable_dtype
from idc.networks.inference import predict_probabilities
from idc.networks.weights import load_model
from idc.processes.child import Child
from idc.runs.run import BUNDLED_RUN_ID, WEIGHTS_FILE, Run, open_run
from idc.training import loop, setup
from idc.training.objective import compile_model
from tests.support.made_patches import tiny_store
from tests.support.programs.backend_trainer import without_dropout
from tests.support.tiny_training import be_tiny, digest, tiny_config

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("jax") is None, reason="needs jax: requirements-jax.txt"
    ),
]


def train_on_jax(forker, *words):
    """Train in a process of its own; returns its exit code, negative for a signal."""
    return forker.start("tests.support.programs.backend_trainer", *words).wait()


def copy_of(run, ending):
    """The same run under another name."""
    folder = shutil.copytree(run.folder, run.folder.with_name(run.id[:-4] + ending))
    return Run(folder, run.config)


@pytest.fixture(scope="module")
def continued(jax_forker, tmp_path_factory):
    """An epoch on TensorFlow, one more on TensorFlow or on JAX; and on TensorFlow after JAX."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IDC_HOME", str(tmp_path_factory.mktemp("backends")))
        tiny_store("tiny", cases=3, per_case=12)
        be_tiny(patch.setattr)
        patch.setattr(setup, "build_model", without_dropout)
        patch.setattr("idc.networks.weights.build_model", without_dropout)
        on_tensorflow = create_run(tiny_config(epochs=1))
        loop.train(on_tensorflow)
        on_jax = copy_of(on_tensorflow, "0001")
        for run in (on_tensorflow, on_jax):
            prepare_to_resume(run, more_epochs=1)
        loop.train(on_tensorflow)
        assert train_on_jax(jax_forker, on_jax.id) == 0
        back = copy_of(on_jax, "0002")
        prepare_to_resume(back, more_epochs=1)
        loop.train(back)
    return on_tensorflow, on_jax, back


def test_jax_resumes_tensorflow_checkpoint_with_equal_losses(continued):
    on_tensorflow, on_jax = (run.log().epochs[1] for run in continued[:2])

    for name in ("loss", "val_loss", "val_roc_auc"):
        assert on_jax[name] == pytest.approx(on_tensorflow[name], rel=1e-4), name


def test_backends_predict_equal_probabilities(continued):
    on_tensorflow, on_jax = (run.predictions() for run in continued[:2])

    assert (on_tensorflow["row"] == on_jax["row"]).all()
    assert np.allclose(on_tensorflow["probability"], on_jax["probability"], atol=1e-4)


def test_environment_names_the_backend(continued):
    environments = [run.environment() for run in continued]

    assert [e["backend"] for e in environments] == ["tensorflow", "jax", "tensorflow"]
    assert ["jax" in e for e in environments] == [False, True, False]


def test_tensorflow_resumes_jax_checkpoint(continued):
    log = continued[2].log()

    assert (log.starts[-1]["epoch"], len(log.epochs), log.starts[-1]["damaged"]) == (2, 3, [])


def test_jax_training_killed_within_an_epoch_resumes_identically(home, jax_forker):
    tiny_store("tiny", cases=3, per_case=12)
    undisturbed, killed = create_run(tiny_config()), create_run(tiny_config())
    words = ("--dropout", "--each-step")

    assert train_on_jax(jax_forker, *words, "--kill-at-step", "2", killed.id) == -signal.SIGKILL
    prepare_to_resume(killed)
    assert train_on_jax(jax_forker, *words, killed.id, undisturbed.id) == 0

    assert killed.log().starts[-1]["step"] == 1
    assert digest(killed) == digest(undisturbed)


def test_jax_trains_identically_with_patches_on_the_device(home, jax_forker):
    tiny_store("tiny", cases=3, per_case=12)
    runs = fed, on_device = [create_run(tiny_config()) for _ in range(2)]

    assert train_on_jax(jax_forker, fed.id) == 0
    assert train_on_jax(jax_forker, "--as-on-gpu", on_device.id) == 0

    for name in ("loss", "val_loss", "val_roc_auc"):
        values = [[epoch[name] for epoch in run.log().epochs] for run in runs]
        assert values[1] == pytest.approx(values[0], rel=1e-4), name


def test_jax_predictor_matches_tensorflow():
    run = open_run(BUNDLED_RUN_ID)
    patches = np.random.default_rng(0).integers(0, 256, (3, 50, 50, 3), np.uint8)
    question = {"kind": "probabilities", "folder": str(run.folder), "count": len(patches)}
    question |= {"network": run.config.network, "sha256": run.best()["sha256"], "side_px": 50}
    worker = Child(
        "idc.prediction.keras_worker", environ={"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    )

    try:
        answer, block = worker.ask(question, patches.tobytes(), timeout_s=300)
    finally:
        worker.close()

    assert answer["shape"] == [3]
    model = load_model(run.folder / WEIGHTS_FILE, run.config.network, run.best()["sha256"])
    assert np.allclose(
        np.frombuffer(block, np.float32), predict_probabilities(model, patches), atol=1e-5
    )


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_loss_is_the_binary_cross_entropy_of_the_softmax(smoothing):
    model = without_dropout("fast")
    compile_model(model, tiny_config(label_smoothing=smoothing), 2)
    patches = np.random.default_rng(0).integers(0, 256, (4, 50, 50, 3), np.uint8)
    y_true = np.eye(2, dtype=np.float32)[[0, 1, 1, 0]]

    y_prob = model(patches, loop=True)

    wanted, p = y_true[:, 1] * (1 - smoothing) + smoothing / 2, np.asarray(y_prob)[:, 1]
    by_hand = -np.mean(wanted * np.log(p) + (1 - wanted) * np.log(1 - p))
    assert float(model.compute_loss(None, y_true, y_prob)) == pytest.approx(by_hand, rel=1e-5)


def test_32_and_64_bit_integers_share_one_portable_dtype():
    assert portable_dtype("int32") == portable_dtype("int64") != portable_dtype("float32")
