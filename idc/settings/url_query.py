"""The settings of a run, to and from the words of a URL: a copied link fills in the same form.

Only what differs from the form's defaults is written. A URL may come from anybody, so each word is
held against the rules of `idc.settings.training_config.TrainingConfig` on its own, and one that
cannot be is left out and said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, get_args

from idc.errors import ConfigError
from idc.settings.training_config import TrainingConfig, changed_settings, preset_config

DEFAULT_PRESET = "fast"
DEFAULT_MAX_PATCHES = 40_000  # of a first proposal; whoever has the time asks for more
# Folds are made from a run, and a split like another run's by a fork: not on the form.
NOT_ON_FORM = ("folds", "fold", "split_seed")
# The data set has a name of its own in the URL.
URL_SETTINGS = tuple(
    field.name for field in fields(TrainingConfig) if field.name not in ("data", *NOT_ON_FORM)
)
_FIELD_TYPES = {
    field.name: get_args(field.type) or (field.type,) for field in fields(TrainingConfig)
}
_MAX_VALUE_LENGTH = 100  # signs of a word; no setting needs more

Query = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class RequestedSettings:
    """What a URL asks for.

    Attributes:
        settings: by name, each within its range.
        problems: a sentence for each word that cannot be.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def form_defaults(preset: str, data: str, size: int) -> TrainingConfig:
    """What the form proposes for a preset.

    Args:
        size: patches in the data set.
    """
    return preset_config(preset, data, patches=_proposed_patches(size))


def _proposed_patches(size: int) -> int | None:
    return DEFAULT_MAX_PATCHES if size > DEFAULT_MAX_PATCHES else None


def settings_from_query(query: Query) -> RequestedSettings:
    """What a URL asks for.

    Args:
        query: name -> values, as they stand in the URL; of names in `URL_SETTINGS`, others are
        ignored.
    """
    settings, problems = {}, []
    for name in URL_SETTINGS:
        if not query.get(name):
            continue
        try:
            value = _parse_value(name, query[name][-1])
            TrainingConfig(data="any", **{name: value})  # its own rules, for this one alone
        except ConfigError as error:
            problems.append(str(error))
        else:
            settings[name] = value
    return RequestedSettings(settings, tuple(problems))


def settings_to_query(config: TrainingConfig, size: int) -> dict[str, str]:
    """The words for a URL; what is as by default is left out. The inverse of `settings_from_query`.

    Args:
        size: patches in the data set.
    """
    changed = changed_settings(config, patches=_proposed_patches(size))
    if config.preset != DEFAULT_PRESET:
        changed = {"preset": config.preset, **changed}
    return {name: _format_value(value) for name, value in changed.items() if name in URL_SETTINGS}


def all_settings_to_query(config: TrainingConfig) -> dict[str, str]:
    """The words for a URL that depends on no default."""
    return {
        name: _format_value(value)
        for name, value in config.to_json().items()
        if name in URL_SETTINGS
    }


def _parse_value(name: str, word: str) -> Any:
    kinds = _FIELD_TYPES[name]
    if len(word) > _MAX_VALUE_LENGTH:
        raise ConfigError(f"{name} is too long. Received: {len(word):,} signs")
    if bool in kinds:
        if word not in ("true", "false"):
            raise ConfigError(f"{name} must be true or false. Received: {word!r}")
        return word == "true"
    if type(None) in kinds and word == "all":
        return None
    if int in kinds:
        return _parse_number(name, word, int, "a whole number")
    return _parse_number(name, word, float, "a number") if float in kinds else word


def _parse_number(name: str, word: str, kind: type, what: str) -> Any:
    try:
        return kind(word)
    except ValueError as error:
        raise ConfigError(f"{name} must be {what}. Received: {word!r}") from error


def _format_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "all" if value is None else str(value)
