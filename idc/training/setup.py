"""A run's data and model, restored from its last checkpoint: what training needs to begin."""

from dataclasses import dataclass

import keras

from idc.datasets.splits import Split
from idc.datasets.store import PatchStore, open_store
from idc.files import atomic
from idc.networks.backends import sync_variables
from idc.networks.models import build_model
from idc.networks.precision import precision_scope
from idc.runs import control
from idc.runs.lineage import read_lineage
from idc.runs.notes import NOTES_FILE
from idc.runs.run import Run, check_same_data
from idc.runs.status import RunStatus
from idc.runs.watched_slide import WATCH_FILE
from idc.settings.training_config import split_for_config
from idc.training.batches import BatchShard, TrainingBatches, class_weights
from idc.training.checkpoints import load_fork_origin, restore_checkpoint
from idc.training.device_patches import model_with_device_patches
from idc.training.history import History, RestoredCheckpoint
from idc.training.input_pipeline import InputPipeline, choose_input_pipeline
from idc.training.objective import compile_model
from idc.training.state import TrainingState
from idc.training.timing import SpeedMeter, Stopwatch

_FILES_WRITTEN_BY_PAGES = (control.CONTROL_FILE, NOTES_FILE, WATCH_FILE)


@dataclass(frozen=True)
class TrainingSetup:
    """What stays the same throughout a training.

    Attributes:
        model: the network itself.
        fitted_model: what ``fit`` trains: the network, or a model around it that draws the
            patches on the device. Both share their weights.
        class_weights: None unless the run balances by weights.
        shard: this process's part of each batch.
    """

    run: Run
    store: PatchStore
    split: Split
    pipeline: InputPipeline
    model: keras.Model
    fitted_model: keras.Model
    class_weights: dict[int, float] | None
    shard: BatchShard

    def current_model(self) -> keras.Model:
        """The network with the weights trained so far, also during a ``fit``."""
        sync_variables(self.fitted_model)
        return self.model

    def batches(self, epoch: int, first_step: int) -> TrainingBatches:
        """An epoch's batches from ``first_step`` on; ``epoch`` from 1."""
        config = self.run.config
        return TrainingBatches(
            self.store.patches,
            self.store.labels,
            self.split.train,
            batch_size=config.batch_size,
            augmentation=config.augmentation,
            balancing=config.balancing,
            seed=config.seed,
            epoch=epoch,
            first_step=first_step,
            on_device=self.pipeline.patches_on_device,
            shard=self.shard,
            workers=self.pipeline.threads,
        )


def load_training(
    run: Run, status: RunStatus, shard: BatchShard
) -> tuple[TrainingSetup, TrainingState]:
    """Open the data, build the model, restore the last checkpoint or a fork's origin.

    Raises:
        IdcError: the data is missing, cannot be split, or is not what the run began with.
    """
    atomic.remove_leftovers(run.folder, keep_names=_FILES_WRITTEN_BY_PAGES)
    config = run.config
    store = open_store(config.data)
    check_same_data(run, store)
    split = split_for_config(config, store, run.left_out())
    steps = -(-len(split.train) // config.batch_size)
    weights = class_weights(store.labels[split.train]) if config.balancing == "weights" else None
    keras.utils.set_random_seed(config.seed)
    pipeline = choose_input_pipeline(store.patches)
    model, fitted_model = _build_models(run, store, pipeline, steps)
    restored, history = _restore(run, fitted_model)
    stopwatch = Stopwatch(history.elapsed_s)
    setup = TrainingSetup(run, store, split, pipeline, model, fitted_model, weights, shard)
    state = TrainingState(
        epochs=status.epochs,
        steps=steps,
        patience=config.patience if config.early_stopping else None,
        patience_from=status.patience_from,
        history=history,
        restored=restored,
        stopwatch=stopwatch,
        speed_meter=SpeedMeter(
            stopwatch,
            train=len(split.train),
            validation=len(split.validation),
            batch_size=config.batch_size,
        ),
    )
    return setup, state


def _build_models(
    run: Run, store: PatchStore, pipeline: InputPipeline, steps: int
) -> tuple[keras.Model, keras.Model]:
    config = run.config
    with precision_scope(config.precision):
        model = fitted_model = build_model(config.network, store.description.side_px)
        if pipeline.patches_on_device:
            fitted_model = model_with_device_patches(model, store.patches, config.augmentation)
    compile_model(
        fitted_model,
        config,
        steps * config.epochs,
        steps_per_execution=pipeline.steps_per_execution,
    )
    return model, fitted_model


def _restore(run: Run, fitted_model: keras.Model) -> tuple[RestoredCheckpoint, History]:
    restored = restore_checkpoint(run.folder, fitted_model)
    if restored.history:
        return restored, History.from_json(restored.history)
    if origin := read_lineage(run):
        load_fork_origin(run.folder, fitted_model, with_optimizer=origin.with_optimizer)
    return restored, History()
