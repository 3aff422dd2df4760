"""The environment variables of child processes: no secret reaches a process that does not need
it."""

from collections.abc import Mapping

API_TOKEN_VARIABLE = "IDC_API_TOKEN"
KAGGLE_TOKEN_VARIABLE = "KAGGLE_API_TOKEN"
_KAGGLE_SECRETS = (KAGGLE_TOKEN_VARIABLE, "KAGGLE_KEY", "KAGGLE_USER_SECRETS_TOKEN")

# glibc gives freed blocks back to the system at once, and the next training step asks for them
# again: some 35,000 page faults a step of the fast network, more than half of its CPU time
# (bench/page_faults.py). It reads these variables when a process starts; other systems' C
# libraries do not know them.
KEEP_FREED_MEMORY: Mapping[str, str] = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**34),
}


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without any secret: for every process but the downloader."""
    secrets = (API_TOKEN_VARIABLE, *_KAGGLE_SECRETS)
    return {name: value for name, value in environ.items() if name not in secrets}


def without_api_token(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for the downloader, which needs Kaggle's credentials."""
    return {name: value for name, value in environ.items() if name != API_TOKEN_VARIABLE}
