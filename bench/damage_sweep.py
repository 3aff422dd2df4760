"""Damage every file of a home in turn, and compare all pages and commands with the intact home.

    IDC_HOME=HOME python bench/damage_sweep.py DATA_SET RUN [--only PATH_PART] [--damage NAME]

Works on a copy. Each file is truncated, emptied, bit-flipped at five places, removed, replaced by a
folder and filled with bytes that are not UTF-8. Prints, for each damage: how many views show the
same as before, how many name the damaged file, run or data set, and which crash or change in
silence. Left out are the commands that train, download or write a file of the home again.
"""

import argparse
import contextlib
import io
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cv2
import numpy as np
from streamlit.testing.v1 import AppTest

from idc.__main__ import main as shell
from idc.datasets.store import open_store
from idc.files.home import home_dir
from idc.runs.run import open_run

FRAME = str(Path(__file__).resolve().parent.parent / "idc" / "ui" / "main.py")
PAGES = (
    "home",
    "dataset",
    "slides",
    "train",
    "evaluate",
    "predict",
    "labels",
    "compare",
    "leakage",
    "how_it_works",
    "build",
    "play",
)
PARTS = ("data", "runs", "folds", "features", "speeds", "whole_slides", "download")
FLIPPED_PERCENT = (2, 25, 50, 75, 98)  # of the file's length
DAMAGE_WORDS = (
    "amaged",
    "cannot be",
    "could not be",
    "does not exist",
    "is gone",
    "missing",
    "lacks",
    "not found",
)
BUG_WORDS = ("because of an error in IDC Lab", "An error in IDC Lab", "Traceback")


def _remove(path: Path) -> None:
    path.unlink()


def _replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _flip(percent: int) -> Callable[[Path], None]:
    """Flips the lowest bit of one byte: one digit becomes another, and JSON stays JSON."""

    def flip(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[len(content) * percent // 100] ^= 0x01
        path.write_bytes(content)

    return flip


DAMAGES: dict[str, Callable[[Path], object]] = {
    "truncated": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "emptied": lambda path: path.write_bytes(b""),
    **{f"flipped {percent}": _flip(percent) for percent in FLIPPED_PERCENT},
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
    at = AppTest.from_file(FRAME, default_timeout=300)
    for key, value in query.items():
        at.query_params[key] = value
    at.switch_page(f"../../pages/{name}.py").run()
    problems = [str(each.value) for each in [*at.error, *at.warning, *at.info]]
    shown = [f"{each.label} {each.value}" for each in at.metric]
    shown += [str(each.value) for each in [*at.markdown, *at.caption, *at.table, *at.dataframe]]
    shown = [text for text in shown if " are free" not in text]  # of the disk, changes by itself
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


def copy_of(run: str) -> str:
    """Id of the copy of a run, with which the run is compared."""
    return f"{run[:-4]}{'0000' if run.endswith('ffff') else 'ffff'}"


def all_views(
    data: str, run: str, image: Path, *, pages: tuple[str, ...] = PAGES
) -> dict[str, View]:
    """Every page and command on a data set and a run."""
    commands = (
        ["runs"],
        ["runs", "--json"],
        ["evaluate", run, "--json"],
        ["evaluate", run, "--data", data, "--json"],
        ["compare", run, copy_of(run), "--json"],
        ["predict", str(image), "--run", run],
        ["verify", data],
        ["doubtful", run],
        ["marks", data],
        ["leakage", "--data", data, "--protocol", "random", "--json"],
        ["leakage", "--run", run, "--json"],
        ["delete", "--run", run],
        ["restore", "--run", run],
        ["delete", "--data", data],
        ["restore", "--data", data],
    )
    views = {name: view_page(name, {"data": data, "run": run}) for name in pages}
    short = {run: "RUN", copy_of(run): "COPY", data: "DATA", str(image): "IMAGE"}
    return views | {
        " ".join(["idc", *(short.get(word, word) for word in words)]): view_command(words)
        for words in commands
    }


def verdict(intact: View, damaged: View, names: Iterable[str]) -> str:
    """ "same", "named", "crash" or "silent".

    Silent are other figures without a new sentence that contains one of ``names``: those of the
    damaged file, of its run or of its data set.
    """
    if damaged.crashes:
        return "crash"
    if damaged.shown == intact.shown:
        return "same"
    new_texts = {*damaged.problems, *damaged.shown} - {*intact.problems, *intact.shown}
    plain = [text.replace("\\", "").replace("\u2060", "") for text in new_texts]
    about_damage = [text for text in plain if any(word in text for word in DAMAGE_WORDS)]
    return "named" if any(name in text for name in names for text in about_damage) else "silent"


def names_of(path: Path, home: Path) -> tuple[str, ...]:
    """What a sentence about a damaged file may name: the file, or its run or data set."""
    parts = path.relative_to(home).parts
    if len(parts) < 3:
        return (path.name,)
    title = open_run(parts[1]).title if parts[0] == "runs" else parts[1]
    return path.name, parts[1], title


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
        path.parent.mkdir(parents=True, exist_ok=True)  # a restore may have failed
        path.write_bytes(content)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def files_of(home: Path) -> list[Path]:
    """Every file that the app reads; locks have no content."""
    found = (path for path in home.rglob("*") if path.is_file() and path.suffix != ".lock")
    return sorted(path for path in found if path.stat().st_size)


def write_first_patch(data: str, path: Path) -> None:
    """Write the first patch of a data set as PNG."""
    rgb = np.asarray(open_store(data).patches[0])
    cv2.imwrite(str(path), rgb[..., ::-1])


def sweep(
    home: Path,
    data: str,
    run: str,
    *,
    only: Iterable[str] = ("",),
    damages: Iterable[str] = tuple(DAMAGES),
    pages: tuple[str, ...] = PAGES,
) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yields (file, damage, view -> verdict). ``IDC_HOME`` must be ``home``."""
    image = home.parent / "patch.png"
    write_first_patch(data, image)
    shutil.copytree(home / "runs" / run, home / "runs" / copy_of(run))
    all_views(data, run, image, pages=pages)  # the first views differ: they fill caches
    intact = all_views(data, run, image, pages=pages)
    for view, found in intact.items():
        if found.crashes:
            raise SystemExit(f"The intact home crashes {view}: {found.crashes[0]}")
    for path in files_of(home):
        name = str(path.relative_to(home))
        if not any(part in name for part in only) or copy_of(run) in name:
            continue
        names = names_of(path, home)
        for damage in damages:
            with damaged_file(path, damage):
                views = all_views(data, run, image, pages=pages)
            yield (
                name,
                damage,
                {key: verdict(intact[key], view, names) for key, view in views.items()},
            )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("run")
    parser.add_argument("--damage", action="append", choices=list(DAMAGES), help="only this one")
    parser.add_argument("--only", action="append", help="only files whose path contains this")
    options = parser.parse_args()
    logging.disable(logging.WARNING)  # Streamlit warns of every page without a server
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        for part in PARTS:
            if (home_dir() / part).is_dir():
                shutil.copytree(home_dir() / part, home / part)
        for path in home_dir().glob("*.sqlite3"):
            shutil.copy2(path, home)
        os.environ["IDC_HOME"] = str(home)
        print(f"{'file':<50} {'damage':<10} {'same':>4} {'named':>5}  crash or silent")
        damages = options.damage or DAMAGES
        for name, damage, found in sweep(
            home, options.data, options.run, only=options.only or ("",), damages=damages
        ):
            wrong = [f"{view}: {how}" for view, how in found.items() if how in ("crash", "silent")]
            bad += len(wrong)
            counts = [list(found.values()).count(how) for how in ("same", "named")]
            print(
                f"{name[-50:]:<50} {damage:<10} {counts[0]:>4} {counts[1]:>5}  {'; '.join(wrong)}",
                flush=True,
            )
    print(f"{bad} crashes and silent changes")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
