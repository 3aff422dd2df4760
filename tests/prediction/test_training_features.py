"""idc.prediction.training_features and idc.prediction.explain with a trained network."""

import numpy as np
import pytest

from idc.datasets.store import PackReport, open_store
from idc.datasets.store_trash import delete_store
from idc.datasets.store_writer import Patch, PatchName, StoreWriter
from idc.errors import RunError
from idc.files.home import features_dir
from idc.prediction import image_warnings, training_features
from idc.prediction.explain import explain
from idc.prediction.image_warnings import patch_warnings, profile_of
from idc.prediction.predictor import PredictionWithFeatures, predict_patches, predict_with_features
from idc.prediction.training_features import (
    TrainingFeatures,
    compute_training_features,
    forget_failure,
    load_training_features,
    nearest,
    reference_patches,
    reference_store,
    start_feature_job,
)
from idc.runs.run import BUNDLED_RUN_ID, open_run
from idc.runs.split import run_split, train_cases
from tests.support.made_patches import tiny_store


def learned(features, rows=None):
    features = np.asarray(features, np.float32)
    rows = np.arange(len(features)) if rows is None else np.asarray(rows)
    return TrainingFeatures("trained", rows, features, len(features))


# Nearest patches


def test_nearest_patches_are_sorted_by_distance(home):
    store = tiny_store("tiny", cases=1, per_case=6)
    known = learned([[0.0], [1.0], [5.0], [2.0]], rows=[0, 2, 3, 5])
    stranger = np.zeros((50, 50, 3), np.uint8)

    assert nearest(known, store, stranger, np.array([1.6]), 3).tolist() == [5, 2, 0]


def test_features_are_scaled_by_their_standard_deviation(home):
    store = tiny_store("tiny", cases=1, per_case=4)
    known = learned([[0, 100, 7], [1, 100, 7], [0, 900, 7], [1, 900, 7]])
    stranger = np.zeros((50, 50, 3), np.uint8)

    # Nearer in the high-variance feature, farther in the low-variance one; the third is constant.
    assert nearest(known, store, stranger, np.array([0.9, 150, 99]), 2).tolist() == [1, 0]


def test_patch_is_not_its_own_neighbour(home):
    store = tiny_store("tiny", cases=1, per_case=4)
    known = learned([[0.0], [1.0], [2.0], [3.0]])

    assert nearest(known, store, store.patches[1], np.array([1.0]), 2).tolist() == [0, 2]


# Reference data sets


def test_bundled_model_has_no_reference_without_real_patches(home):
    with StoreWriter("demo", 1) as writer:
        writer.add([Patch(PatchName(8863, 1, 1, 0), np.zeros((50, 50, 3), np.uint8))])
        writer.finish(PackReport(sources=("made",), generated=True))

    assert reference_store(open_run(BUNDLED_RUN_ID)) is None


def test_bundled_reference_is_the_store_with_most_training_cases(home):
    run = open_run(BUNDLED_RUN_ID)
    tiny_store("a_foreign", cases=3, per_case=4)
    tiny_store("some", cases=2, per_case=3, first_case=8863)  # 8864 is not a training case
    store = reference_store(run)
    reference = reference_patches(run, store)

    assert (store.name, reference.kind) == ("some", "cases")
    assert 8863 in train_cases(run) and 8864 not in train_cases(run)
    assert reference.rows.tolist() == [0, 1, 2]


def test_patches_of_other_cases_are_unseen(home):
    tiny_store("mine", cases=2, per_case=3)
    run = open_run(BUNDLED_RUN_ID)

    reference = reference_patches(run, reference_store(run))

    assert (reference.kind, len(reference.rows), reference.trained_on) == ("unseen", 6, 0)


# A trained run


@pytest.fixture
def features_without_network(monkeypatch):
    """Replace the network: the features of a patch are its mean colours."""

    def mean_colours(run, patches):
        means = np.asarray(patches, np.float32).mean(axis=(1, 2))
        return PredictionWithFeatures(np.zeros(len(means), np.float32), means)

    monkeypatch.setattr(training_features, "predict_with_features", mean_colours)
    monkeypatch.setattr(image_warnings, "predict_with_features", mean_colours)


pytestmark = pytest.mark.slow  # `trained_run` trains a network


def test_training_features_are_those_of_the_network(trained_run):
    store = reference_store(trained_run)
    train = run_split(trained_run, store).train
    assert load_training_features(trained_run, store) is None

    steps = []
    compute_training_features(
        trained_run, reference_patches(trained_run, store), on_progress=lambda *s: steps.append(s)
    )

    known = load_training_features(trained_run, store)
    assert (known.kind, known.trained_on) == ("trained", len(train))
    assert known.rows.tolist() == train.tolist()
    computed = predict_with_features(trained_run, store.patches[train]).features
    assert known.features == pytest.approx(computed, abs=1e-4)
    assert steps[-1][0] == steps[-1][1]


def test_explanation_matches_the_prediction(trained_run):
    rgb = np.array(open_store("tiny").patches[3])

    explanation = explain(trained_run, rgb)

    both = predict_patches(trained_run, np.stack([rgb, np.rot90(rgb)]))
    assert explanation.y_prob == pytest.approx(both[0], abs=1e-5)
    assert explanation.views.y_prob[1] == pytest.approx(both[1], abs=1e-5)
    assert explanation.grad_cam_map.shape == (25, 25)
    assert explanation.occlusion.shape == (50, 50)


def test_run_of_few_patches_warns_about_every_prediction(trained_run, features_without_network):
    store = reference_store(trained_run)
    assert patch_warnings(trained_run, store.patches[0]) == []  # not computed yet

    compute_training_features(trained_run, reference_patches(trained_run, store))

    [sentence] = patch_warnings(trained_run, store.patches[0])
    assert sentence.startswith("This run has learned from ")
    assert "too few to rely on any answer" in sentence


def test_run_of_enough_patches_gets_its_own_profile(
    trained_run, features_without_network, monkeypatch
):
    monkeypatch.setattr(training_features, "MIN_TRAINING_PATCHES", 20)
    monkeypatch.setattr("idc.prediction.appearance.MIN_TRAINING_PATCHES", 20)
    store = reference_store(trained_run)

    compute_training_features(trained_run, reference_patches(trained_run, store))

    assert profile_of(trained_run).patches == len(run_split(trained_run, store).train)
    plain = np.full((50, 50, 3), 128, np.uint8)
    assert "out of focus" in " ".join(patch_warnings(trained_run, plain))


def test_damaged_file_counts_as_missing(trained_run, features_without_network):
    store = reference_store(trained_run)
    compute_training_features(trained_run, reference_patches(trained_run, store))
    [path] = features_dir().iterdir()
    path.write_bytes(path.read_bytes()[:-30])

    assert load_training_features(trained_run, store) is None
    assert patch_warnings(trained_run, store.patches[0]) == []


def test_changed_patches_under_the_same_name_are_refused(trained_run):
    delete_store("tiny")
    tiny_store("tiny", cases=2, per_case=5)

    with pytest.raises(RunError, match="was packed again"):
        reference_store(trained_run)


def test_failed_job_keeps_its_problem_until_retried(trained_run, features_without_network):
    store = reference_store(trained_run)
    features_dir().write_text("in the way")  # a file in place of the folder
    job = start_feature_job(trained_run, store)
    job.thread.join(300)
    assert job.state == "failed"
    assert "could not be written" in job.problem
    assert start_feature_job(trained_run, store) is job

    features_dir().unlink()
    forget_failure(trained_run, store)
    again = start_feature_job(trained_run, store)
    again.thread.join(300)
    assert again.state == "done"
    assert load_training_features(trained_run, store) is not None
