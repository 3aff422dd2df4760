"""The trash: deleted folders move to ``trash/`` in the home, and can be moved back.

It is emptied by hand only. Runs lie directly in it, data sets in ``trash/data/``.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from idc.errors import DataError, IdcError, RunError
from idc.files.home import data_dir, home_dir, runs_dir

_NUMBER_SEPARATOR = "~"  # no name of a run or data set has it


def trash_dir() -> Path:
    """The folder of deleted folders; it may not exist yet."""
    return home_dir() / "trash"


@dataclass(frozen=True)
class Trash:
    """The trash of one kind of folders.

    Attributes:
        what: "run" or "data set", for sentences.
        name: pattern of the folders' names.
        error: class of the errors that the methods raise.
    """

    what: str
    name: re.Pattern[str]
    error: type[IdcError]

    @property
    def folder(self) -> Path:
        """Where deleted folders lie."""
        return trash_dir() / "data" if self.what == "data set" else trash_dir()

    @property
    def home(self) -> Path:
        """Where the folders lie that are not deleted."""
        return data_dir() if self.what == "data set" else runs_dir()

    def delete(self, name: str) -> None:
        """Move a folder to the trash, beside earlier ones of that name.

        Raises:
            IdcError: it does not exist, or cannot be moved.
        """
        if not self.name.fullmatch(name) or not (self.home / name).is_dir():
            raise self.error(f"There is no {self.what} '{name[:100]}'.")
        target, number = self.folder / name, 1
        while target.exists():
            number += 1
            target = self.folder / f"{name}{_NUMBER_SEPARATOR}{number}"
        self._move(self.home / name, target)

    def restore(self, name: str) -> None:
        """Move the last deleted folder of that name back.

        Raises:
            IdcError: none is in the trash, the name is in use again, or it cannot be moved.
        """
        copies = [path for path in self._by_time() if _name_of(path) == name]
        if not copies:
            raise self.error(f"There is no deleted {self.what} '{name[:100]}'.")
        if (self.home / name).exists():
            raise self.error(
                f"There is already a {self.what} '{name}'; delete it before you restore the "
                "earlier one."
            )
        self._move(copies[0], self.home / name)

    def names(self) -> list[str]:
        """Names in the trash, the last deleted first."""
        return list(dict.fromkeys(_name_of(path) for path in self._by_time()))

    def _by_time(self) -> list[Path]:
        try:
            found = [path for path in self.folder.iterdir() if self._holds(path)]
        except (FileNotFoundError, NotADirectoryError):
            return []
        # A rename sets the time of change; two renames may happen within its resolution.
        return sorted(
            found, key=lambda path: (path.stat().st_ctime_ns, _number(path)), reverse=True
        )

    def _holds(self, path: Path) -> bool:
        if path.parent == trash_dir() and path.name == "data":
            return False
        return path.is_dir() and self.name.fullmatch(_name_of(path)) is not None

    def _move(self, source: Path, target: Path) -> None:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            source.rename(target)
        except OSError as error:
            raise self.error(
                f"The {self.what} '{source.name}' could not be moved ({error.strerror}); check the "
                f"rights of '{target.parent}'."
            ) from error


RUN_TRASH = Trash("run", re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}"), RunError)
DATA_TRASH = Trash("data set", re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"), DataError)


def _name_of(path: Path) -> str:
    return path.name.partition(_NUMBER_SEPARATOR)[0]


def _number(path: Path) -> int:
    number = path.name.partition(_NUMBER_SEPARATOR)[2]
    return int(number) if number.isdecimal() else 1
