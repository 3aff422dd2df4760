"""A run's settings as URL parameters, so that a copied link fills in the same form.

Only settings that differ from the form's defaults are written. URLs are not trusted: each value is
validated separately by `idc.settings.training_config.TrainingConfig`; invalid ones are ignored and
reported.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, get_args

from idc.errors import ConfigError
from idc.settings.training_config import TrainingConfig, changed_settings, preset_config

DEFAULT_PRESET = "fast"
DEFAULT_MAX_PATCHES = 40_000  # proposed by the form; larger numbers can be entered
# Not on the form: folds are created from a run, and split_seed is set by a fork.
NOT_ON_FORM = ("folds", "fold", "split_seed")
# The data set is a separate URL parameter.
URL_SETTINGS = tuple(
    field.name for field in fields(TrainingConfig) if field.name not in ("data", *NOT_ON_FORM)
)
_FIELD_TYPES = {
    field.name: get_args(field.type) or (field.type,) for field in fields(TrainingConfig)
}
_MAX_VALUE_LENGTH = 100  # characters; no setting needs more

Query = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class RequestedSettings:
    """The settings in a URL.

    Attributes:
        settings: the valid ones, by name.
        problems: one sentence for each invalid value.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def form_defaults(preset: str, data: str, size: int) -> TrainingConfig:
    """The form's defaults for a preset.

    Args:
        size: patches in the data set.
    """
    return preset_config(preset, data, patches=_proposed_patches(size))


def _proposed_patches(size: int) -> int | None:
    return DEFAULT_MAX_PATCHES if size > DEFAULT_MAX_PATCHES else None


def settings_from_query(query: Query) -> RequestedSettings:
    """Read the settings in a URL.

    Args:
        query: name -> values, as in the URL; names not in `URL_SETTINGS` are ignored.
    """
    settings, problems = {}, []
    for name in URL_SETTINGS:
        if not query.get(name):
            continue
        try:
            value = _parse_value(name, query[name][-1])
            TrainingConfig(data="any", **{name: value})  # validates this setting alone
        except ConfigError as error:
            problems.append(str(error))
        else:
            settings[name] = value
    return RequestedSettings(settings, tuple(problems))


def settings_to_query(config: TrainingConfig, size: int) -> dict[str, str]:
    """URL parameters of the settings that differ from the defaults; see `settings_from_query`.

    Args:
        size: patches in the data set.
    """
    changed = changed_settings(config, patches=_proposed_patches(size))
    if config.preset != DEFAULT_PRESET:
        changed = {"preset": config.preset, **changed}
    return {name: _format_value(value) for name, value in changed.items() if name in URL_SETTINGS}


def all_settings_to_query(config: TrainingConfig) -> dict[str, str]:
    """URL parameters of all settings, which do not depend on defaults."""
    return {
        name: _format_value(value)
        for name, value in config.to_json().items()
        if name in URL_SETTINGS
    }


def _parse_value(name: str, text: str) -> Any:
    kinds = _FIELD_TYPES[name]
    if len(text) > _MAX_VALUE_LENGTH:
        raise ConfigError(f"{name} is too long. Received: {len(text):,} characters")
    if bool in kinds:
        if text not in ("true", "false"):
            raise ConfigError(f"{name} must be true or false. Received: {text!r}")
        return text == "true"
    if type(None) in kinds and text == "all":
        return None
    if int in kinds:
        return _parse_number(name, text, int, "a whole number")
    return _parse_number(name, text, float, "a number") if float in kinds else text


def _parse_number(name: str, text: str, kind: type, description: str) -> Any:
    try:
        return kind(text)
    except ValueError as error:
        raise ConfigError(f"{name} must be {description}. Received: {text!r}") from error


def _format_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "all" if value is None else str(value)
