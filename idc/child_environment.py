"""What child processes may see of the environment: everything but secrets that are not theirs."""

from collections.abc import Mapping

from idc.api_token import TOKEN_VARIABLE
from idc.kaggle_login import without_kaggle_secrets


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment for processes that have no business with Kaggle or with callers."""
    return without_api_token(without_kaggle_secrets(environ))


def without_api_token(environ: Mapping[str, str]) -> dict[str, str]:
    """The same for the one that asks Kaggle, and so needs its credentials."""
    return {name: value for name, value in environ.items() if name != TOKEN_VARIABLE}
