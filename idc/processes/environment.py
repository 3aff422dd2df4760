"""The environment variables of child processes.

No secret reaches a process that does not need it, and every process uses the parent's home folder.
"""

import os
from collections.abc import Mapping

from idc.files.home import home_dir

API_TOKEN_VARIABLE = "IDC_API_TOKEN"
KAGGLE_TOKEN_VARIABLE = "KAGGLE_API_TOKEN"
_KAGGLE_SECRETS = (KAGGLE_TOKEN_VARIABLE, "KAGGLE_KEY", "KAGGLE_USER_SECRETS_TOKEN")

# What the dynamic loader of a decoder may need. Decoders of untrusted files inherit nothing else.
DECODER_VARIABLES = ("LANG", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH")

# By default glibc returns freed blocks to the system at once, and the next training step requests
# them again: some 35,000 page faults per step of the fast network, more than half of its CPU time
# (bench/page_faults.py). glibc reads these variables when a process starts; other C libraries
# ignore them.
KEEP_FREED_MEMORY: Mapping[str, str] = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**34),
}


def child_environment(
    *, runs_network: bool = False, kaggle_credentials: bool = False
) -> dict[str, str]:
    """The environment of a child process: this process's, without secrets, with IDC_HOME set.

    Args:
        runs_network: add `KEEP_FREED_MEMORY`; values set by the user take precedence.
        kaggle_credentials: keep Kaggle's secrets, which only the downloader needs.
    """
    inherited = without_api_token(os.environ) if kaggle_credentials else without_secrets(os.environ)
    added = KEEP_FREED_MEMORY if runs_network else {}
    return {**added, **inherited, "IDC_HOME": str(home_dir())}


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without any secret."""
    secrets = (API_TOKEN_VARIABLE, *_KAGGLE_SECRETS)
    return {name: value for name, value in environ.items() if name not in secrets}


def without_api_token(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment with Kaggle's secrets, but without the API token."""
    return {name: value for name, value in environ.items() if name != API_TOKEN_VARIABLE}
