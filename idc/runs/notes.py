"""A run's name and notes, which people may change when they like; its settings stay frozen.

They lie in ``notes.json``, which is missing until somebody writes it: until then the run has the
name that it was started with. Damaged notes must not hide a run, so they count as missing.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from idc.errors import RunError, write_errors_as_run_error
from idc.files import atomic

NOTES_FILE = "notes.json"
MAX_NAME_LENGTH, MAX_NOTES_LENGTH = 80, 2_000


@dataclass(frozen=True)
class RunNotes:
    """What people wrote about a run; free text, an empty name means its id."""

    name: str
    notes: str = ""


def read_notes(run_folder: Path, initial_name: str) -> RunNotes:
    """The notes as they are now.

    Args:
        first_name: the name in the settings.
    """
    try:
        value = json.loads((run_folder / NOTES_FILE).read_text(encoding="utf-8"))
        return RunNotes(str(value["name"]), str(value["notes"]))
    except (OSError, ValueError, KeyError, TypeError):
        return RunNotes(initial_name)


def write_notes(run_folder: Path, notes: RunNotes) -> None:
    """Replace the notes.

    Raises:
        RunError: they are too long, or cannot be written.
    """
    for text, most, what in (
        (notes.name, MAX_NAME_LENGTH, "The name of a run has"),
        (notes.notes, MAX_NOTES_LENGTH, "Notes on a run have"),
    ):
        if len(text) > most:
            raise RunError(f"{what} at most {most:,} signs. Received: {len(text):,}")
    with write_errors_as_run_error("The notes"):
        atomic.replace_json(run_folder / NOTES_FILE, asdict(notes))
