"""Damage every file of a home in turn, and compare all pages and commands with the intact home.

    IDC_HOME=HOME python bench/damage_sweep.py DATA_SET RUN [--only PART_OF_PATH]

Works on a copy. Each file is truncated, emptied, bit-flipped, removed, replaced by a folder and
filled with bytes that are not UTF-8. Prints, for each damage: how many views show the same as
before, how many name a problem, and which crash or change in silence.
"""

import argparse
import contextlib
import io
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from streamlit.testing.v1 import AppTest

from idc.__main__ import main as shell
from idc.files.home import home_dir

FRAME = str(Path(__file__).resolve().parent.parent / "idc" / "ui" / "main.py")
PAGES = ("home", "dataset", "slides", "train", "evaluate", "labels", "compare", "leakage")
BUG_WORDS = ("because of an error in IDC Lab", "An error in IDC Lab", "Traceback")


def _remove(path: Path) -> None:
    path.unlink()


def _replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "truncated": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "emptied": lambda path: path.write_bytes(b""),
    "flipped": _flip,
    "removed": _remove,
    "folder": _replace_by_folder,
    "not UTF-8": lambda path: path.write_bytes(b"\xff\xfe\xc3\x28" * 50),
}


@dataclass(frozen=True)
class View:
    """What a page or a command shows: figures and texts, problems that it names, and crashes."""

    shown: tuple[str, ...]
    problems: tuple[str, ...]
    crashes: tuple[str, ...]


def view_page(name: str, query: dict[str, str]) -> View:
    """Open a page in this process."""
    at = AppTest.from_file(FRAME, default_timeout=300).run()
    for key, value in query.items():
        at.query_params[key] = value
    if name != "home":
        at.switch_page(f"../../pages/{name}.py").run()
    problems = [str(each.value) for each in [*at.error, *at.warning, *at.info]]
    shown = [f"{each.label} {each.value}" for each in at.metric]
    shown += [str(each.value) for each in [*at.markdown, *at.caption, *at.table, *at.dataframe]]
    bugs = [text for text in problems if any(words in text for words in BUG_WORDS)]
    crashes = [str(each.message) for each in at.exception] + bugs
    return View(tuple(shown), tuple(problems), tuple(crashes))


def view_command(arguments: list[str]) -> View:
    """Run a shell command in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        shell(arguments)  # turns every exception into a sentence
    lines = [line for line in err.getvalue().splitlines() if line]
    crashes = [line for line in lines if any(words in line for words in BUG_WORDS)]
    return View((out.getvalue(),), tuple(lines), tuple(crashes))


def all_views(data: str, run: str, *, pages: tuple[str, ...] = PAGES) -> dict[str, View]:
    """Every page and command on a data set and a run."""
    commands = (
        ["runs", "--json"],
        ["evaluate", run, "--json"],
        ["verify", data],
        ["doubtful", run],
        ["marks", data],
        ["leakage", "--data", data, "--protocol", "random", "--json"],
    )
    views = {name: view_page(name, {"data": data, "run": run}) for name in pages}
    return views | {f"idc {words[0]}": view_command(words) for words in commands}


def verdict(intact: View, damaged: View) -> str:
    """ "same", "named", "crash" or "silent" (other figures without a new sentence)."""
    if damaged.crashes:
        return "crash"
    if damaged.shown == intact.shown:
        return "same"
    new_texts = set(damaged.shown) - set(intact.shown)
    named = any("damaged" in text for text in new_texts)  # lists name damaged runs as text
    return "named" if named or set(damaged.problems) - set(intact.problems) else "silent"


@contextlib.contextmanager
def damaged_file(path: Path, damage: str) -> Iterator[None]:
    """Damage a file; it is intact again after the ``with`` block."""
    content, times = path.read_bytes(), path.stat()
    try:
        DAMAGES[damage](path)
        yield
    finally:
        if path.is_dir():
            shutil.rmtree(path)
        path.write_bytes(content)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def files_of(home: Path) -> list[Path]:
    """Every file that the app reads; locks have no content."""
    found = (path for path in home.rglob("*") if path.is_file() and path.suffix != ".lock")
    return sorted(path for path in found if path.stat().st_size)


def sweep(
    home: Path, data: str, run: str, *, only: str = "", pages: tuple[str, ...] = PAGES
) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yields (file, damage, view -> verdict). ``IDC_HOME`` must be ``home``."""
    intact = all_views(data, run, pages=pages)
    for path in files_of(home):
        name = str(path.relative_to(home))
        if only not in name:
            continue
        for damage in DAMAGES:
            with damaged_file(path, damage):
                views = all_views(data, run, pages=pages)
            yield name, damage, {key: verdict(intact[key], view) for key, view in views.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("run")
    parser.add_argument("--only", default="", help="only files whose path contains this")
    options = parser.parse_args()
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        for part in ("data", "runs"):
            shutil.copytree(home_dir() / part, home / part)
        for path in home_dir().glob("*.sqlite3"):
            shutil.copy2(path, home)
        os.environ["IDC_HOME"] = str(home)
        print(f"{'file':<50} {'damage':<10} {'same':>4} {'named':>5}  crash or silent")
        for name, damage, found in sweep(home, options.data, options.run, only=options.only):
            wrong = [f"{view}: {how}" for view, how in found.items() if how in ("crash", "silent")]
            bad += len(wrong)
            counts = [list(found.values()).count(how) for how in ("same", "named")]
            print(
                f"{name[-50:]:<50} {damage:<10} {counts[0]:>4} {counts[1]:>5}  {'; '.join(wrong)}"
            )
    print(f"{bad} crashes and silent changes")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
