"""A run's editable name and notes, in ``notes.json``.

Without that file, or if it is damaged, a run has the name in its settings and no notes.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

from idc.errors import RunError, write_errors_as_run_error
from idc.files import atomic

NOTES_FILE = "notes.json"
MAX_NAME_LENGTH, MAX_NOTES_LENGTH = 80, 2_000


@dataclass(frozen=True)
class RunNotes:
    """Free text about a run; an empty name stands for its id."""

    name: str
    notes: str = ""
    problem: str = field(default="", compare=False)  # why they could not be read; not stored


def read_notes(run_folder: Path, initial_name: str) -> RunNotes:
    """Read the current notes.

    Args:
        initial_name: the name in the settings, used without notes.
    """
    try:
        value = json.loads((run_folder / NOTES_FILE).read_text(encoding="utf-8"))
        return RunNotes(str(value["name"]), str(value["notes"]))
    except FileNotFoundError:
        return RunNotes(initial_name)
    except (OSError, ValueError, KeyError, TypeError):
        problem = (
            f"The name and the notes of the run '{run_folder.name}' ('{NOTES_FILE}') are damaged "
            "on disk. Enter them again."
        )
        return RunNotes(initial_name, problem=problem)


def write_notes(run_folder: Path, notes: RunNotes) -> None:
    """Replace the notes.

    Raises:
        RunError: they are too long, or cannot be written.
    """
    for text, limit, subject in (
        (notes.name, MAX_NAME_LENGTH, "The name of a run"),
        (notes.notes, MAX_NOTES_LENGTH, "Notes on a run"),
    ):
        if len(text) > limit:
            raise RunError(
                f"{subject} may have at most {limit:,} characters. Received: {len(text):,}"
            )
    with write_errors_as_run_error("The notes"):
        atomic.replace_json(run_folder / NOTES_FILE, {"name": notes.name, "notes": notes.notes})
