"""The settings of a run, to and from the words of a URL: a copied link fills in the same form.

Only what differs from the form's defaults is written. A URL may come from anybody, so each word is
held against the rules of `idc.settings.training_config.TrainingConfig` on its own, and one that
cannot be is left out and said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, get_args

from idc.errors import ConfigError
from idc.settings.training_config import TrainingConfig, preset_config, proposed_rate

FIRST_PRESET = "fast"
MOST_PATCHES = 40_000  # of a first proposal; whoever has the time asks for more
# Folds are made from a run, and a split like another run's by a fork: not on the form.
OFF_THE_FORM = ("folds", "fold", "split_seed")
# The data set has a name of its own in the URL.
NAMES = tuple(
    field.name for field in fields(TrainingConfig) if field.name not in ("data", *OFF_THE_FORM)
)
_KINDS = {field.name: get_args(field.type) or (field.type,) for field in fields(TrainingConfig)}
_LONGEST = 100  # signs of a word; no setting needs more

Query = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class AskedSettings:
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
    return preset_config(preset, data, patches=MOST_PATCHES if size > MOST_PATCHES else None)


def read_settings(query: Query) -> AskedSettings:
    """What a URL asks for.

    Args:
        query: name -> values, as they stand in the URL; of names in `NAMES`, others are ignored.
    """
    settings, problems = {}, []
    for name in NAMES:
        if not query.get(name):
            continue
        try:
            value = _value(name, query[name][-1])
            TrainingConfig(data="any", **{name: value})  # its own rules, for this one alone
        except ConfigError as error:
            problems.append(str(error))
        else:
            settings[name] = value
    return AskedSettings(settings, tuple(problems))


def write_settings(config: TrainingConfig, size: int) -> dict[str, str]:
    """The words for a URL; what is as by default is left out. The inverse of `read_settings`.

    Args:
        size: patches in the data set.
    """
    plain = form_defaults(config.preset, config.data, size).to_json()
    plain["preset"] = FIRST_PRESET
    plain["learning_rate"] = proposed_rate(config.preset, config.batch_size)
    return {
        name: _word(value)
        for name, value in config.to_json().items()
        if name in NAMES and value != plain[name]
    }


def every_word(config: TrainingConfig) -> dict[str, str]:
    """The words for a URL that depends on no default."""
    return {name: _word(value) for name, value in config.to_json().items() if name in NAMES}


def _value(name: str, word: str) -> Any:
    kinds = _KINDS[name]
    if len(word) > _LONGEST:
        raise ConfigError(f"{name} is too long. Received: {len(word):,} signs")
    if bool in kinds:
        if word not in ("true", "false"):
            raise ConfigError(f"{name} must be true or false. Received: {word!r}")
        return word == "true"
    if type(None) in kinds and word == "all":
        return None
    if int in kinds:
        return _number(name, word, int, "a whole number")
    return _number(name, word, float, "a number") if float in kinds else word


def _number(name: str, word: str, kind: type, what: str) -> Any:
    try:
        return kind(word)
    except ValueError as error:
        raise ConfigError(f"{name} must be {what}. Received: {word!r}") from error


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "all" if value is None else str(value)
