"""A run's settings as a file and as a command line: the same from the page and from the shell."""

import json
import shlex

from idc.errors import ConfigError
from idc.settings.training_config import TrainingConfig, changed_settings

MAX_BYTES = 64 * 1024


def write_settings_file(config: TrainingConfig) -> str:
    """The content of a ``config.json``, one setting a line."""
    return json.dumps(config.to_json(), indent=2, ensure_ascii=False) + "\n"


def read_settings_file(content: bytes) -> TrainingConfig:
    """Read what `write_settings_file` or a run wrote; it may come from anybody.

    Raises:
        ConfigError: too large, no JSON, or settings that cannot be.
    """
    if len(content) > MAX_BYTES:
        raise ConfigError(f"A file of settings has at most {MAX_BYTES // 1024} kB.")
    try:
        value = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ConfigError("This is no file of settings: it is not JSON in UTF-8.") from error
    return TrainingConfig.from_json(value)


def train_command(config: TrainingConfig, separator: str = " ") -> str:
    """The command line that trains with these settings; what the preset says is left out.

    Args:
        between: what stands before each option; a line's end, say.
    """
    words = [f"--data={config.data}", f"--preset={config.preset}"]
    for name, value in changed_settings(config).items():
        option = "--" + name.replace("_", "-")
        if isinstance(value, bool):
            words.append(option if value else option.replace("--", "--no-", 1))
        else:
            # One word, so that a value may begin with a dash.
            words.append(f"{option}={'all' if value is None else value}")
    return separator.join(["python -m idc train", *map(shlex.quote, words)])
