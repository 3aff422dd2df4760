"""What child processes may see of the environment: everything but secrets that are not theirs."""

from collections.abc import Mapping

from idc.api_token import TOKEN_VARIABLE
from idc.kaggle_login import without_kaggle_secrets


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment for processes that have no business with Kaggle or with callers."""
    kept = without_kaggle_secrets(environ)
    kept.pop(TOKEN_VARIABLE, None)
    return kept
