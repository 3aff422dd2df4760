"""Limits that a process sets on itself."""

import resource


def lower_limit(kind: int, value: int) -> None:
    """Lower a limit (``resource.RLIMIT_*``) for good; one that is lower already stays."""
    hard = resource.getrlimit(kind)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value))
