"""A network of one's own, trained for real, is a run like any other."""

import numpy as np
import pytest

from idc.evaluation.results import saved_results
from idc.launch.fork import fork_run
from idc.launch.start import create_run, prepare_to_resume
from idc.prediction.predictor import predict_patches
from idc.runs.first_filters import read_first_filters
from idc.runs.run import open_run
from idc.settings.training_config import preset_config
from tests.support.made_patches import tiny_store

pytestmark = pytest.mark.slow


def test_custom_network_trains_resumes_predicts_evaluates_and_forks(home, monkeypatch):
    import keras

    from idc.training.loop import train

    store = tiny_store("tiny", cases=3, per_case=12)
    words = {"architecture": "2x1-w4-k3-average-d10-flatten", "protocol": "random"}
    run = create_run(preset_config("yours", "tiny", epochs=1, batch_size=8, **words))
    train(run)
    prepare_to_resume(run, more_epochs=1)
    status = train(run)
    again = open_run(run.id)

    assert (status.state, status.epoch) == ("finished", 2)
    assert again.config.network == "yours-2x1-w4-k3-average-d10-flatten"
    assert read_first_filters(run.folder).epochs == (0, 1, 2)
    assert read_first_filters(run.folder).kernels.shape == (3, 3, 3, 3, 4)
    assert set(again.predictions()["part"]) == {"validation", "test"}
    results = saved_results(again, "test")
    predicted = predict_patches(again, store.patches[results.rows])
    assert np.allclose(predicted, results.y_prob, atol=1e-5)
    model = keras.models.load_model(run.folder / "model.keras")
    assert model.count_params() == again.best()["parameters"]

    monkeypatch.setattr("idc.launch.fork.start_trainer", lambda run: None)
    child = fork_run(again, preset_config("fast", "tiny", epochs=1))
    assert child.config.network == again.config.network
