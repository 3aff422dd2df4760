"""Build what ships with IDC Lab: the bundled model, and two runs on the demo tissue.

For maintainers: ``python -m idc bundle --data NAME`` and ``python -m idc record``. Both
train with the regular trainer and copy the files that are small enough to ship.
"""

import dataclasses
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd

from idc.datasets.store import PatchStore, list_stores, open_store
from idc.errors import RunError
from idc.launch.start import create_run, trainer_command
from idc.metrics.calibration import fit_calibration
from idc.prediction.appearance import AppearanceProfile, fit_profile
from idc.prediction.predictor import predict_with_features
from idc.processes.environment import child_environment
from idc.runs.checksums import write_checked, write_checked_json
from idc.runs.first_filters import FIRST_FILTERS_DIR as FILTERS_DIR
from idc.runs.light_model import (
    LIGHT_MODEL_FILE,
    SHIPPED_RECORD_FILE,
    record_path,
    write_light_model,
)
from idc.runs.log import LOG_FILE
from idc.runs.model_hash import model_sha256
from idc.runs.run import (
    BEST_FILE,
    BUNDLED_RUN_ID,
    CALIBRATION_FILE,
    CONFIG_FILE,
    ENVIRONMENT_FILE,
    PREDICTIONS_FILE,
    PROFILE_FILE,
    SHIPPED_DIR,
    TRAIN_CASES_FILE,
    WEIGHTS_FILE,
    Run,
)
from idc.runs.split import run_split
from idc.runs.status import STATUS_FILE
from idc.runs.watched_slide import SLIDE_DIR
from idc.settings.training_config import TrainingConfig, preset_config
from idc.shipped.demo import DEMO_CASES, DEMO_SEED, pack_demo
from idc.shipped.model_card import model_card
from idc.shipped.recorded_runs import RECORDED_DIR

MODEL_CARD_FILE = "MODEL_CARD.md"

_PROFILE_SAMPLE = 4_000
_CHECKED_FILES = (
    CONFIG_FILE,
    ENVIRONMENT_FILE,
    PREDICTIONS_FILE,
    CALIBRATION_FILE,
    PROFILE_FILE,
    TRAIN_CASES_FILE,
)


def train_bundled_model(data: str) -> Run:
    """Train the bundled model on a store of real patches, calibrate and install it.

    The cases of the published validation list determine the epoch, the temperature and the
    threshold; all others except the test list train.

    Raises:
        IdcError: the data set is missing, or training failed.
    """
    config = preset_config(
        "accurate",
        data,
        protocol="published",
        unlisted="train",
        patches=None,
        name="Bundled model",
    )
    return install_bundled_model(_train_to_end(config))


def install_bundled_model(run: Run) -> Run:
    """Copy a finished run into the package as the bundled model."""
    store = open_store(run.config.data)
    folder = SHIPPED_DIR / BUNDLED_RUN_ID
    _copy_run(run, store, folder, with_weights=True, with_steps=False)
    validation = run.predictions().query("part == 'validation'")
    y_true = store.labels[validation["row"].to_numpy()]
    y_prob = validation["probability"].to_numpy()
    calibration = fit_calibration(y_true, y_prob)
    write_checked_json(folder / CALIBRATION_FILE, dataclasses.asdict(calibration))
    trained_on = np.unique(store.cases[run_split(run, store).train])
    (folder / TRAIN_CASES_FILE).write_text(json.dumps(trained_on.tolist()) + "\n", encoding="utf-8")
    counts = run_split(run, store).counts(store.index)
    card = model_card(run, counts, y_true, y_prob, calibration)
    (folder / MODEL_CARD_FILE).write_text(card, encoding="utf-8")
    bundled = Run(folder, run.config)
    write_bundled_profile(bundled, store)
    return bundled


def write_bundled_profile(bundled: Run, store: PatchStore) -> AppearanceProfile:
    """Write the appearance of the bundled model's training patches, on which
    `idc.prediction.image_warnings` relies.

    Args:
        store: contains the model's patches.

    Raises:
        DataError: the store contains too few of them.
    """
    rows = profile_rows(bundled, store)
    training, choosing = (
        (store.patches[part], predict_with_features(bundled, store.patches[part]).features)
        for part in (rows["train"], rows["choose"])
    )
    profile = fit_profile(training, choosing)
    profile.save(bundled.folder / PROFILE_FILE)
    add_digests(bundled.folder)
    return profile


def profile_rows(bundled: Run, store: PatchStore) -> dict[str, np.ndarray]:
    """The patches that determine the profile's limits, and those that test them.

    Returns:
        int64, sorted: "train", a sample of the training cases' patches; "choose" and "report", the
        patches of every other validation case each.
    """
    trained_on = json.loads((bundled.folder / TRAIN_CASES_FILE).read_text(encoding="utf-8"))
    validation = bundled.predictions().query("part == 'validation'")["case"].unique()
    ordered = np.sort(validation)
    train = np.flatnonzero(np.isin(store.cases, trained_on))
    sampled = np.random.default_rng(0).permutation(train)[:_PROFILE_SAMPLE]
    return {
        "train": np.sort(sampled),
        "choose": np.flatnonzero(np.isin(store.cases, ordered[1::2])),
        "report": np.flatnonzero(np.isin(store.cases, ordered[::2])),
    }


def record_demo_runs() -> list[Run]:
    """Generate the demo tissue, train on it, and copy the runs, which every first visit shows.

    A finished run of the fast network with its weights, and a short one of the notebook's network
    without its ten megabytes of weights.
    """
    if "demo" not in list_stores():
        pack_demo("demo", cases=DEMO_CASES, seed=DEMO_SEED)
    store = open_store("demo")
    shutil.rmtree(RECORDED_DIR, ignore_errors=True)
    recorded = []
    for preset, settings in (
        ("notebook", {"epochs": 2, "name": "Notebook CNN, recorded"}),
        ("fast", {"name": "Fast CNN, recorded"}),
    ):
        run = _train_to_end(preset_config(preset, "demo", **settings))
        _copy_run(run, store, RECORDED_DIR / run.id, with_weights=preset == "fast", with_steps=True)
        recorded.append(run)
    return recorded


def _train_to_end(config: TrainingConfig) -> Run:
    run = create_run(config)
    # Progress goes to the terminal (stderr); the id on stdout is dropped.
    finished = subprocess.run(
        [*trainer_command(run), "--follow"],
        stdout=subprocess.DEVNULL,
        env=child_environment(runs_network=True),
        check=False,
    )
    if finished.returncode or run.status().state != "finished":
        raise RunError(f"The run '{run.id}' did not finish: {run.status().reason}")
    return run


def _copy_run(
    run: Run, store: PatchStore, folder: Path, *, with_weights: bool, with_steps: bool
) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    names = [CONFIG_FILE, STATUS_FILE, BEST_FILE]
    if with_weights:
        record = write_light_model(run)
        if record.problem:
            raise RunError(f"The model cannot be shipped. {record.problem}")
        shutil.copyfile(record_path(run), folder / SHIPPED_RECORD_FILE)
        names += [WEIGHTS_FILE, LIGHT_MODEL_FILE]
    for name in names:
        shutil.copyfile(run.folder / name, folder / name)
    write_checked_json(folder / ENVIRONMENT_FILE, {**run.environment(), "shipped": True})
    lines = (run.folder / LOG_FILE).read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if with_steps or json.loads(line)["event"] != "step"]
    (folder / LOG_FILE).write_text("".join(kept), encoding="utf-8")
    if with_steps:  # for the replay and the page How it works
        for name in (SLIDE_DIR, FILTERS_DIR):
            if (run.folder / name).exists():
                shutil.copytree(run.folder / name, folder / name)
    _with_patch_names(run.predictions(), store).to_parquet(folder / PREDICTIONS_FILE, index=False)
    add_digests(folder)


def add_digests(folder: Path) -> None:
    """Write the checksums of a shipped run's files, and its model's digest into ``best.json``."""
    best = json.loads((folder / BEST_FILE).read_bytes())
    if (folder / WEIGHTS_FILE).exists():
        best["model_sha256"] = model_sha256(folder / WEIGHTS_FILE)
    write_checked_json(folder / BEST_FILE, best)
    for name in _CHECKED_FILES:
        if (folder / name).exists():
            write_checked(folder / name, (folder / name).read_bytes())


def _with_patch_names(predictions: pd.DataFrame, store: PatchStore) -> pd.DataFrame:
    """Predictions with patch names, because row numbers differ between data sets."""
    names = store.index.iloc[predictions["row"].to_numpy()][["case", "x", "y", "label"]]
    return pd.concat([names.reset_index(drop=True), predictions.drop(columns="row")], axis=1)
