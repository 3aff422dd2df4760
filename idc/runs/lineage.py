"""Where a forked run comes from: ``lineage.json`` in its folder."""

import json
from dataclasses import dataclass
from typing import Any

from idc.runs.run import Run

LINEAGE_FILE = "lineage.json"


@dataclass(frozen=True)
class Lineage:
    """Where a run comes from.

    Attributes:
        parent: the run's id. ``title``: what it was called then.
        epoch: the parent's finished epochs. ``step``: finished steps of the next one.
        changed: setting -> (the parent's value, the child's).
        with_optimizer: whether the optimizer goes on too, or begins anew.
    """

    parent: str
    title: str
    epoch: int
    step: int
    changed: dict[str, tuple[Any, Any]]
    with_optimizer: bool

    def sentence(self) -> str:
        """In words."""
        where = f"epoch {self.epoch}" + (f" and {self.step} steps" if self.step else "")
        changes = ", ".join(f"{name} {old} → {new}" for name, (old, new) in self.changed.items())
        return f"Forked from {self.title} after {where}; " + (
            f"other settings: {changes}." if changes else "the same settings."
        )


def read_lineage(run: Run) -> Lineage | None:
    """Where a run comes from; None for one that began by itself."""
    try:
        value = json.loads((run.folder / LINEAGE_FILE).read_text(encoding="utf-8"))
        return Lineage(**{**value, "changed": {k: tuple(v) for k, v in value["changed"].items()}})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
