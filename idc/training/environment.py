"""The environment of a run: versions, device, data."""

import platform
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from idc import __version__
from idc.datasets.store import PatchStore
from idc.networks.devices import describe_device


def describe_environment(store: PatchStore) -> dict[str, Any]:
    """The content of ``environment.json``. Contains no path, case, user or host name."""
    backend = keras.backend.backend()
    return {
        "device": describe_device(),
        "idc": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "keras": keras.__version__,
        "backend": backend,
        backend: _backend_version(backend),
        "numpy": np.__version__,
        "data_patches": len(store),
        "data_sha256": store.fingerprint,
        "data_generated": store.report.generated,
        "data_description": replace(store.description, case_names=()).to_json(),
    }


def _backend_version(backend: str) -> str:
    return str(getattr(__import__(backend), "__version__", "unknown"))
