"""The settings of a training run, validated once, and the presets.

No heavy imports: the Train page draws its form from this module.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, get_args

import numpy as np

from idc.datasets.splits import (
    PROTOCOLS,
    UNLISTED,
    Split,
    make_split,
    redraw_training,
    without_rows,
)
from idc.datasets.store import PatchStore
from idc.errors import ConfigError
from idc.networks.architecture import (
    CUSTOM_PRESET,
    Architecture,
    check_batch_memory,
    check_choice,
    parse_architecture,
)

AUGMENTATIONS: Mapping[str, str] = {
    "none": "None",
    "flips": "Flips and right angles",
    "flips+stain": "Flips, right angles and stain",
}
SCHEDULES: Mapping[str, str] = {"constant": "Constant", "one-cycle": "One cycle"}
OPTIMIZERS = ("adam", "adamw")
BALANCINGS: Mapping[str, str] = {
    "none": "None",
    "weights": "Class weights",
    "resampling": "Resampling",
}
PRECISIONS: Mapping[str, str] = {"float32": "Full (float32)", "mixed": "Mixed (float16, for GPUs)"}
FOLDS_RANGE = (2, 20)


@dataclass(frozen=True)
class TrainingConfig:
    """Everything needed to repeat a run, validated on construction.

    Attributes:
        data: name of the store.
        preset: the network, a key of `PRESETS`.
        architecture: preset ``yours`` only: the custom network, in the form of
            `idc.networks.architecture.parse_architecture`. Empty for other presets.
        protocol: how patches are split, a key of `idc.datasets.splits.PROTOCOLS`.
        unlisted: protocol ``published`` only: whether cases in no list are ignored or train.
        patches: number of patches, sampled at the same rate from both classes; None for all.
        folds: protocol ``case-disjoint`` only: number of folds of cases; 0 for none.
        fold: the held-out fold, from 1; 0 without folds.
        leave_out_marked: do not train on patches that reviewers marked as wrongly labelled. The
            list is fixed when the run is created (see `idc.runs.left_out_patches`).
        seed: seed of the sampling, the split, the initial weights and the order of batches.
        split_seed: separate seed of the sampling and the split; None for ``seed``. If the two
            differ, training patches are resampled with ``seed`` among the training cases, so that
            a fork trains on other patches and held-out patches stay held out.
        epochs: passes over the training part.
        batch_size: patches per step.
        learning_rate: of the optimizer; the maximum of a one-cycle schedule.
        optimizer: one of `OPTIMIZERS`.
        weight_decay: decoupled weight decay of adamw.
        schedule: a key of `SCHEDULES`.
        label_smoothing: share of the target given to the other class, [0, 0.5).
        augmentation: a key of `AUGMENTATIONS`, for training patches only.
        balancing: a key of `BALANCINGS`, for training patches only: "weights" increases the
            rarer class's weight in the loss, "resampling" draws equal numbers of both classes.
        early_stopping: stop when the validation loss has not improved for ``patience`` epochs.
        patience: epochs without improvement before early stopping.
        precision: a key of `PRECISIONS`; mixed precision needs a GPU (see
        `idc.networks.precision`).
        name: free text.

    Raises:
        ConfigError: a value lies outside its range.
    """

    data: str
    preset: str = "notebook"
    architecture: str = ""
    protocol: str = "case-disjoint"
    unlisted: str = "ignore"
    patches: int | None = 40_000
    folds: int = 0
    fold: int = 0
    leave_out_marked: bool = False
    seed: int = 0
    split_seed: int | None = None
    epochs: int = 20
    batch_size: int = 20
    learning_rate: float = 1e-4
    optimizer: str = "adam"
    weight_decay: float = 0.0
    schedule: str = "constant"
    label_smoothing: float = 0.0
    augmentation: str = "none"
    balancing: str = "none"
    early_stopping: bool = False
    patience: int = 5
    precision: str = "float32"
    name: str = ""

    def __post_init__(self) -> None:
        for field in fields(self):
            _check_type(field.name, getattr(self, field.name), field.type)
        check_choice("preset", self.preset, PRESETS)
        check_choice("protocol", self.protocol, PROTOCOLS)
        check_choice("unlisted", self.unlisted, UNLISTED)
        check_choice("optimizer", self.optimizer, OPTIMIZERS)
        check_choice("schedule", self.schedule, SCHEDULES)
        check_choice("augmentation", self.augmentation, AUGMENTATIONS)
        check_choice("balancing", self.balancing, BALANCINGS)
        check_choice("precision", self.precision, PRECISIONS)
        if self.patches is not None:
            _check_in_range("patches", self.patches, 2, 10**9)
        self._check_folds()
        self._resolve_architecture()
        _check_in_range("seed", self.seed, 0, 2**31 - 1)
        if self.split_seed is not None:
            _check_in_range("split_seed", self.split_seed, 0, 2**31 - 1)
        _check_in_range("epochs", self.epochs, 1, 10_000)
        _check_in_range("batch_size", self.batch_size, 1, 8_192)
        _check_in_range("learning_rate", self.learning_rate, 1e-8, 10)
        _check_in_range("weight_decay", self.weight_decay, 0, 10)
        _check_in_range("label_smoothing", self.label_smoothing, 0, 0.499)
        _check_in_range("patience", self.patience, 1, 1_000)
        if len(self.name) > 80:
            raise ConfigError(f"name may have at most 80 characters. Received: {len(self.name)}")

    def _check_folds(self) -> None:
        if not self.folds:
            _check_in_range("fold", self.fold, 0, 0)
            return
        _check_in_range("folds", self.folds, *FOLDS_RANGE)
        _check_in_range("fold", self.fold, 1, self.folds)
        if self.protocol != "case-disjoint":
            raise ConfigError(
                f"Folds consist of cases: protocol must be case-disjoint. Received: "
                f"{self.protocol!r}"
            )

    def _resolve_architecture(self) -> None:
        built = parse_architecture(self.architecture) if self.architecture else Architecture()
        # Only the custom preset has an architecture; the default one if none is given.
        object.__setattr__(self, "architecture", str(built) if self.preset == CUSTOM_PRESET else "")
        if self.preset == CUSTOM_PRESET:
            check_batch_memory(built, self.batch_size)

    @property
    def network(self) -> str:
        """The network's name for `idc.networks.models.build_model`."""
        return (
            f"{CUSTOM_PRESET}-{self.architecture}" if self.preset == CUSTOM_PRESET else self.preset
        )

    def to_json(self) -> dict[str, Any]:
        """The content of ``config.json``."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Any) -> "TrainingConfig":
        """Parse the content of ``config.json``.

        Raises:
            ConfigError: not an object, an unknown or missing field, or a value outside its range.
        """
        if not isinstance(value, dict):
            raise ConfigError("A training configuration must be a JSON object of named settings.")
        known = [field.name for field in fields(cls)]
        if unknown := sorted(set(value) - set(known)):
            raise ConfigError(f"Unknown setting: {', '.join(unknown)}. Known: {', '.join(known)}")
        if "data" not in value:
            raise ConfigError("The setting 'data' is missing: the name of a packed data set.")
        return cls(**value)


def split_for_config(
    config: TrainingConfig, store: PatchStore, left_out: np.ndarray | None = None
) -> Split:
    """The deterministic split of a configuration.

    Args:
        left_out: int64 rows excluded from training (`idc.runs.run.Run.left_out`).

    Raises:
        SplitError: as `idc.datasets.splits.make_split`, or too few training patches are left.
    """
    index, description = store.index, store.description
    split = make_split(
        index,
        config.protocol,
        seed=config.seed if config.split_seed is None else config.split_seed,
        unlisted=config.unlisted,
        patches=config.patches,
        folds=config.folds,
        fold=config.fold,
        description=description,
    )
    if config.split_seed not in (None, config.seed):
        split = redraw_training(split, index, config.seed, description)
    if left_out is None or not len(left_out):
        return split
    return without_rows(split, left_out, store.labels, description)


@dataclass(frozen=True)
class Preset:
    """A network and its proposed settings."""

    title: str
    summary: str
    settings: Mapping[str, Any]


# One-cycle learning rate (Smith & Topin 2018), decoupled weight decay (Loshchilov & Hutter 2019,
# arXiv:1711.05101) and label smoothing (Szegedy et al. 2016, arXiv:1512.00567). Class weights move
# the threshold of the best balanced accuracy close to 0.5.
_FAST_RECIPE: Mapping[str, Any] = {
    "batch_size": 64,
    "learning_rate": 4e-3,
    "optimizer": "adamw",
    "weight_decay": 0.05,
    "schedule": "one-cycle",
    "label_smoothing": 0.1,
    "augmentation": "flips",
    "balancing": "weights",
}

PRESETS: Mapping[str, Preset] = {
    "notebook": Preset(
        title="Notebook CNN",
        summary="The well-known notebook's network: 2.5 million parameters, 20 epochs of batches "
        "of 20 at a learning rate of 0.0001.",
        settings={"epochs": 20, "batch_size": 20, "learning_rate": 1e-4, "schedule": "constant"},
    ),
    "fast": Preset(
        title="Fast CNN",
        summary="A small residual network, 20 times smaller than the notebook's, with settings for "
        "fast training. Seconds per epoch; suited to a live demo.",
        settings={"epochs": 3, **_FAST_RECIPE},
    ),
    "accurate": Preset(
        title="Accurate CNN",
        summary="The fast network with more channels, trained for longer: minutes instead of "
        "seconds, for the best scores here.",
        settings={"epochs": 20, **_FAST_RECIPE, "augmentation": "flips+stain"},
    ),
    CUSTOM_PRESET: Preset(
        title="Your own CNN",
        summary="The network of Build, trained like the fast one: the one proposed there, "
        "unless you train your own from that page.",
        settings={"epochs": 3, **_FAST_RECIPE},
    ),
}


def preset_config(preset: str, data: str, **settings: Any) -> TrainingConfig:
    """A configuration from a preset; ``settings`` override the preset's.

    Without a learning rate, the rate follows the batch size, see `suggested_learning_rate`.

    Raises:
        ConfigError: unknown preset, or a value outside its range.
    """
    check_choice("preset", preset, PRESETS)
    config = TrainingConfig(data=data, preset=preset, **{**PRESETS[preset].settings, **settings})
    if "learning_rate" in settings:
        return config
    return replace(config, learning_rate=suggested_learning_rate(preset, config.batch_size))


def changed_settings(config: TrainingConfig, **proposed: Any) -> dict[str, Any]:
    """The settings that differ from the preset's at this batch size.

    Args:
        proposed: defaults that override the preset's.
    """
    proposal = preset_config(config.preset, config.data, **proposed).to_json()
    proposal["learning_rate"] = suggested_learning_rate(config.preset, config.batch_size)
    return {name: value for name, value in config.to_json().items() if value != proposal[name]}


def suggested_learning_rate(preset: str, batch_size: int) -> float:
    """The learning rate that a preset proposes for a batch size.

    Larger batches mean fewer steps with less noisy gradients, so the rate of the one-cycle presets
    grows with the square root of the batch size, as suits Adam (Malladi et al. 2022,
    arXiv:2205.10287; measured by `bench/large_batches.py`). The notebook's rate is fixed.
    """
    settings = PRESETS[preset].settings
    rate, base_size = float(settings["learning_rate"]), int(settings["batch_size"])
    if settings["schedule"] == "constant" or batch_size <= base_size:
        return rate
    return float(f"{rate * math.sqrt(batch_size / base_size):.3g}")


def _check_type(name: str, value: Any, kind: Any) -> None:
    kinds = get_args(kind) or (kind,)
    if float in kinds and type(value) is int:
        return
    # In Python a bool is an int; the two must not be confused.
    if type(value) not in kinds:
        raise ConfigError(
            f"{name} must be {' or '.join(k.__name__ for k in kinds)}. Received: {value!r}"
        )


def _check_in_range(name: str, value: float, low: float, high: float) -> None:
    if not (math.isfinite(value) and low <= value <= high):
        raise ConfigError(f"{name} must lie in [{low:g}, {high:g}]. Received: {value}")
