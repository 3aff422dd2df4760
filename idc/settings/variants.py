"""Variants of a training's settings: the same with several seeds, or under two splits."""

from dataclasses import replace

from idc.settings.training_config import TrainingConfig

MAX_SEEDS = 10
_MAX_BASE_NAME_LENGTH = 60  # characters kept of a name, so that the suffix fits


def seed_variants(config: TrainingConfig, count: int) -> list[TrainingConfig]:
    """The settings with ``count`` consecutive seeds, each of which also seeds its own split."""
    if count == 1:
        return [config]
    seeds = range(config.seed, config.seed + count)
    return [
        replace(config, seed=seed, name=_variant_name(config, f"seed {seed}")) for seed in seeds
    ]


def split_variants(config: TrainingConfig) -> list[TrainingConfig]:
    """The settings with patches split at random, then split by case."""
    return [
        replace(
            config,
            protocol=protocol,
            unlisted="ignore",
            folds=0,
            fold=0,
            name=_variant_name(config, suffix),
        )
        for protocol, suffix in (("random", "random split"), ("case-disjoint", "by case"))
    ]


def _variant_name(config: TrainingConfig, suffix: str) -> str:
    if not config.name:
        return suffix.capitalize()
    return f"{config.name[:_MAX_BASE_NAME_LENGTH]}, {suffix}"
