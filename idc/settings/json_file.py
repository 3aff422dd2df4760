"""A run's settings as a JSON file and as a command line, for the page and the shell."""

import json
import shlex

from idc.errors import ConfigError
from idc.settings.training_config import TrainingConfig, changed_settings

MAX_BYTES = 64 * 1024


def write_settings_file(config: TrainingConfig) -> str:
    """The content of a ``config.json``, one setting per line."""
    return json.dumps(config.to_json(), indent=2, ensure_ascii=False) + "\n"


def read_settings_file(content: bytes) -> TrainingConfig:
    """Parse a settings file or a run's ``config.json``; the content is not trusted.

    Raises:
        ConfigError: the file is too large, not JSON, or contains invalid settings.
    """
    if len(content) > MAX_BYTES:
        raise ConfigError(f"A settings file may have at most {MAX_BYTES // 1024} kB.")
    try:
        value = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ConfigError("This is not a settings file: it is not JSON in UTF-8.") from error
    return TrainingConfig.from_json(value)


def train_command(config: TrainingConfig, separator: str = " ") -> str:
    """The command line that trains with these settings; the preset's values are omitted.

    Args:
        separator: text before each option, for example a line continuation.
    """
    words = [f"--data={config.data}", f"--preset={config.preset}"]
    for name, value in changed_settings(config).items():
        option = "--" + name.replace("_", "-")
        if isinstance(value, bool):
            words.append(option if value else option.replace("--", "--no-", 1))
        else:
            # One argument, so that a value may begin with a dash.
            words.append(f"{option}={'all' if value is None else value}")
    return separator.join(["python -m idc train", *map(shlex.quote, words)])
