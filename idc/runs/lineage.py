"""The origin of a forked run: ``lineage.json`` in its folder."""

import json
from dataclasses import dataclass
from typing import Any

from idc.runs.run import Run

LINEAGE_FILE = "lineage.json"


@dataclass(frozen=True)
class Lineage:
    """The origin of a forked run.

    Attributes:
        parent: id of the parent run. ``title``: its title at the time of the fork.
        epoch: finished epochs of the parent. ``step``: finished steps of the next epoch.
        changed: setting -> (the parent's value, the fork's value).
        with_optimizer: whether the optimizer's state is continued or reset.
    """

    parent: str
    title: str
    epoch: int
    step: int
    changed: dict[str, tuple[Any, Any]]
    with_optimizer: bool

    def sentence(self) -> str:
        """A description for people."""
        origin = f"epoch {self.epoch}" + (f" and {self.step} steps" if self.step else "")
        changes = ", ".join(f"{name} {old} → {new}" for name, (old, new) in self.changed.items())
        return f"Forked from {self.title} after {origin}; " + (
            f"other settings: {changes}." if changes else "the same settings."
        )


def read_lineage(run: Run) -> Lineage | None:
    """The origin of a run; None if it is not a fork."""
    try:
        value = json.loads((run.folder / LINEAGE_FILE).read_text(encoding="utf-8"))
        return Lineage(**{**value, "changed": {k: tuple(v) for k, v in value["changed"].items()}})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
