"""Network features of a sample of a run's training patches.

Computed once per set of weights, in the background, and saved under ``features/``. They give the
training patches nearest to a patch and, for a visitor's own run, its appearance profile (see
`idc.prediction.appearance`). The bundled model's training patches are not shipped: they are
searched in the local data sets.
"""

import contextlib
import threading
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from idc.datasets.store import PatchStore, list_stores, open_store
from idc.errors import DataError
from idc.files.arrays import read_arrays, write_arrays
from idc.files.home import features_dir
from idc.prediction.appearance import MIN_TRAINING_PATCHES, AppearanceProfile, fit_profile
from idc.prediction.predictor import predict_with_features
from idc.processes.job_registry import JobRegistry
from idc.processes.thread_job import ThreadJob
from idc.progress import ProgressCallback
from idc.runs.run import Run, check_same_data
from idc.runs.split import run_split, train_cases

SAMPLE_SIZE = 4_000
_HELD_OUT_SAMPLE_SIZE = 1_000
_CHUNK = 256


@dataclass(frozen=True)
class ReferencePatches:
    """Reference patches for comparison.

    Attributes:
        kind: "trained" (the run learned from these very patches), "cases" (from patches of these
            cases) or "unseen" (from none of them).
        rows: int64, sorted, a sample of at most `SAMPLE_SIZE`.
        held_out: int64, sorted, a sample of the run's validation part; empty unless the kind is
            "trained".
        trained_on: how many patches the run learned from; 0 unless the kind is "trained".
    """

    store: PatchStore
    kind: str
    rows: np.ndarray
    held_out: np.ndarray
    trained_on: int


@dataclass(frozen=True)
class TrainingFeatures:
    """Saved features of reference patches.

    Attributes:
        kind, rows, trained_on: as of the reference.
        features: float32, shape (number of rows, f).
        profile: None unless the kind is "trained" and there are enough patches.
    """

    kind: str
    rows: np.ndarray
    features: np.ndarray
    trained_on: int
    profile: AppearanceProfile | None = None


def reference_store(run: Run) -> PatchStore | None:
    """The run's own data set; for the bundled model the one with most of its cases' patches.

    None for the bundled model while there is no data set of real patches.

    Raises:
        IdcError: the run's own data set is gone, or was packed again since.
    """
    if not run.bundled:
        store = open_store(run.config.data)
        check_same_data(run, store)
        return store
    cases, stores = train_cases(run), []
    for name in list_stores():
        with contextlib.suppress(DataError):  # a damaged one must not hide the others
            stores.append(open_store(name))
    real = [store for store in stores if not store.report.generated]
    return max(real, key=lambda store: np.isin(store.cases, cases).sum(), default=None)


def reference_patches(run: Run, store: PatchStore) -> ReferencePatches:
    """Which patches of `reference_store` to compare with."""
    nothing = np.empty(0, np.int64)
    if run.bundled:
        kind, rows = "cases", np.flatnonzero(np.isin(store.cases, train_cases(run)))
        if not len(rows):
            kind, rows = "unseen", np.arange(len(store))
        return ReferencePatches(store, kind, _sample(rows, SAMPLE_SIZE), nothing, 0)
    split = run_split(run, store)
    return ReferencePatches(
        store,
        "trained",
        _sample(split.train, SAMPLE_SIZE),
        _sample(split.validation, _HELD_OUT_SAMPLE_SIZE),
        len(split.train),
    )


def compute_training_features(
    run: Run, reference: ReferencePatches, *, on_progress: ProgressCallback | None = None
) -> TrainingFeatures:
    """Compute and save what `load_training_features` reads.

    Args:
        on_progress: called with (patches done, total patches). An exception from it ends the work.

    Raises:
        PredictionError: the model failed.
        DataError: the disk is full.
    """
    rows = np.concatenate([reference.rows, reference.held_out])
    batches = []
    for start in range(0, len(rows), _CHUNK):
        patches = np.array(reference.store.patches[rows[start : start + _CHUNK]])
        batches.append(predict_with_features(run, patches).features)
        if on_progress:
            on_progress(min(start + _CHUNK, len(rows)), len(rows))
    features = np.concatenate(batches)
    count = len(reference.rows)
    profile = None
    if reference.kind == "trained" and count >= MIN_TRAINING_PATCHES:
        profile = fit_profile(
            (reference.store.patches[reference.rows], features[:count]),
            (reference.store.patches[reference.held_out], features[count:]),
        )
    training_features = TrainingFeatures(
        reference.kind, reference.rows, features[:count], reference.trained_on, profile
    )
    _save(_path(run, reference.store), training_features)
    return training_features


def load_training_features(run: Run, store: PatchStore) -> TrainingFeatures | None:
    """The saved features for the run's current weights and this store's patches; None before
    `compute_training_features`."""
    path = _path(run, store)
    # A damaged file counts as missing: it can be computed again.
    with contextlib.suppress(DataError, KeyError):
        saved = read_arrays(path)
        profile = AppearanceProfile.load(_profile_path(path)) if saved["with_profile"] else None
        return TrainingFeatures(
            str(saved["kind"]),
            saved["rows"],
            saved["features"],
            int(saved["trained_on"]),
            profile,
        )
    return None


def nearest(
    known: TrainingFeatures, store: PatchStore, rgb: np.ndarray, features: np.ndarray, count: int
) -> np.ndarray:
    """The rows whose features are nearest to a patch's, the nearest first.

    Each feature is scaled by its standard deviation, so that none outweighs the others. The patch
    itself is excluded.

    Args:
        rgb: uint8 RGB, shape (50, 50, 3).
        features: float32, shape (f,), of that patch.

    Returns:
        int64, shape (at most count,).
    """
    spread = known.features.std(axis=0)
    used = spread > 0  # the others never fire
    squared_difference = ((known.features - features)[:, used] / spread[used]) ** 2
    order = np.argsort(squared_difference.sum(axis=1), kind="stable")[: count + 1]
    rows = known.rows[order]
    itself = (store.patches[rows] == rgb).all(axis=(1, 2, 3))
    return rows[~itself][:count]


def _sample(rows: np.ndarray, count: int) -> np.ndarray:
    if len(rows) <= count:
        return np.asarray(rows, np.int64)
    return np.sort(np.random.default_rng(0).choice(rows, count, replace=False)).astype(np.int64)


def _path(run: Run, store: PatchStore) -> Path:
    weights = run.best().get("sha256", "none")
    return features_dir() / f"{weights[:16]}-{store.fingerprint[:16]}.npz"


def _profile_path(path: Path) -> Path:
    return path.with_name(f"{path.stem}-profile.npz")


def _save(path: Path, training_features: TrainingFeatures) -> None:
    if training_features.profile is not None:
        training_features.profile.save(_profile_path(path))
    write_arrays(
        path,
        kind=training_features.kind,
        rows=training_features.rows,
        features=training_features.features,
        trained_on=training_features.trained_on,
        with_profile=training_features.profile is not None,
    )


@dataclass(kw_only=True)
class TrainingFeaturesJob(ThreadJob):
    """One computation of training features and its state: "looking", "done" or "failed"."""

    title: str = "Looking at the training patches"
    state: str = "looking"
    thread: threading.Thread = field(default_factory=threading.Thread)


# By the digest of the weights and the data set's fingerprint.
_jobs: JobRegistry[tuple[str, str], TrainingFeaturesJob] = JobRegistry()


def start_feature_job(run: Run, store: PatchStore) -> TrainingFeaturesJob:
    """Start the computation, join the live one, or return the failed one.

    A finished one is started again: the caller found its file missing.

    Args:
        store: the result of `reference_store`.
    """

    def start() -> TrainingFeaturesJob:
        job = TrainingFeaturesJob()
        job.thread = job.start(partial(_compute, run, store, job), f"learn-{run.id}")
        return job

    key = _key(run, store)
    job = _jobs.get(key)
    if job is not None and job.state == "failed":
        return job
    return _jobs.start_or_join(key, start)


def _compute(run: Run, store: PatchStore, job: TrainingFeaturesJob) -> None:
    compute_training_features(run, reference_patches(run, store), on_progress=job.advance)


def forget_failure(run: Run, store: PatchStore) -> None:
    """Let the next `start_feature_job` try again."""
    _jobs.forget_ended(_key(run, store))


def _key(run: Run, store: PatchStore) -> tuple[str, str]:
    return run.best().get("sha256", ""), store.fingerprint
