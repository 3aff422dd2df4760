"""The optional packages of exports (``requirements-export.txt``)."""

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from idc.errors import ConfigError


def require_packages(purpose: str, *modules: str) -> None:
    """Check that modules can be imported.

    Args:
        purpose: the subject of the sentence: "The format onnx".

    Raises:
        ConfigError: one is missing; the sentence says what to install.
    """
    if missing := [module for module in modules if find_spec(module) is None]:
        raise ConfigError(
            f"{purpose} needs {' and '.join(missing)}, not installed here; install with: "
            "pip install -r requirements-export.txt"
        )


def package_version(name: str) -> str:
    """A package's version; "" if it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
