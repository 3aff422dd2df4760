"""The server's memory after many trainings and an hour of live charts in three tabs.

    python bench/soak.py [--trainings 30] [--minutes 60] [--tabs 3] [--patches 1000] [--json]

Starts a server on an empty home with a little demo tissue, and a browser. One tab presses Start for
each training; all tabs show the training run on Train, so each redraws its charts every second.
Further trainings follow until the minutes are over. The first training warms up the server; memory
is measured after it and at the end, without a training and with idle tabs. Prints the growth, and
every process that is left after the server has stopped.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from live_app import chromium, idc_lab, wait_until
from playwright.sync_api import Page
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from idc.runs.run import list_runs
from idc.shipped.demo import pack_demo

MOST_GROWTH_MB = 50
_PATIENCE_MS = 300_000
_STALLED_MS = 60_000
_STILL_S = 5


@dataclass(frozen=True)
class Soaked:
    """What a soak measured.

    Attributes:
        before_mb, after_mb: the server's own memory, without what it shares with files.
        stalled: how often a tab had to be loaded again to show that a run was done.
        left: command lines of processes that were still there when the server had stopped.
    """

    trainings: int
    minutes: float
    before_mb: float
    after_mb: float
    stalled: int
    left: list[str]

    @property
    def growth_mb(self) -> float:
        """How much more memory the server has at the end."""
        return self.after_mb - self.before_mb


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trainings", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--tabs", type=int, default=3)
    parser.add_argument("--patches", type=int, default=1000, help="of each training")
    parser.add_argument("--json", action="store_true", help="the result as one line of JSON")
    options = parser.parse_args()
    result = soak(options.trainings, options.minutes, options.tabs, options.patches)
    if options.json:
        print(json.dumps({**asdict(result), "growth_mb": result.growth_mb}))
        return
    print(
        f"{result.trainings} trainings, {result.minutes:.1f} minutes, {options.tabs} tabs: server "
        f"{result.before_mb:.0f} MB after the first training, {result.after_mb:.0f} MB at the end: "
        f"{result.growth_mb:+.1f} MB (at most {MOST_GROWTH_MB} are promised)"
    )
    print(f"{result.stalled} times a tab had to be loaded again")
    print("\n  ".join([f"{len(result.left)} processes left", *result.left]))


def soak(trainings: int, minutes: float, tabs: int, patches: int) -> Soaked:
    """Train again and again with all tabs watching."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        _make_data(home)
        with chromium() as browser, idc_lab(home) as (address, server):
            pages = [browser.new_page(viewport={"width": 1280, "height": 900}) for _ in range(tabs)]
            for page in pages:
                page.set_default_timeout(_PATIENCE_MS)
            _train(pages, address, patches)
            began = time.monotonic()
            before = _own_memory_mb(server.pid)
            done = stalled = 0
            while done < trainings or time.monotonic() - began < 60 * minutes:
                stalled += _train(pages, address, patches)
                done += 1
                print(
                    f"{done} trainings, {(time.monotonic() - began) / 60:.1f} min, "
                    f"{_own_memory_mb(server.pid):.0f} MB",
                    file=sys.stderr,
                    flush=True,
                )
            after = _own_memory_mb(server.pid)
            minutes_taken = (time.monotonic() - began) / 60
        return Soaked(done, minutes_taken, before, after, stalled, _left_over(home))


def _make_data(home: Path) -> None:
    os.environ["IDC_HOME"] = str(home)
    pack_demo("demo", cases=4)


def _train(pages: list[Page], address: str, patches: int) -> int:
    """One training, started in the first tab and watched in all. Returns how many had stalled."""
    before = len(list_runs())
    query = f"data=demo&epochs=2&patches={patches}&batch_size=32"
    pages[0].goto(f"{address}/train?{query}")
    pages[0].get_by_role("button", name="Start training").click()
    wait_until(lambda: len(list_runs()) > before)
    run = list_runs()[0]
    for page in pages[1:]:
        page.goto(f"{address}/train?run={run.id}")
    wait_until(lambda: not run.status().live)
    stalled = sum(not _shows_the_end(page) for page in pages)
    time.sleep(_STILL_S)
    return stalled


def _shows_the_end(page: Page) -> bool:
    """Whether a tab shows by itself that the run is done; else it is loaded again, and does."""
    end = page.get_by_text("All 2 epochs are done.").first
    try:
        end.wait_for(timeout=_STALLED_MS)
        return True
    except PlaywrightTimeoutError:
        page.reload()
        end.wait_for()
        return False


def _own_memory_mb(pid: int) -> float:
    """Anonymous memory of a process; what is mapped from files, patches say, the system takes back.

    Only Linux tells it apart.
    """
    status = Path(f"/proc/{pid}/status").read_text()
    kb = next(line.split()[1] for line in status.splitlines() if line.startswith("RssAnon"))
    return int(kb) / 1024


def _left_over(home: Path) -> list[str]:
    """Command lines of processes that work on this home; those that are ending may end."""
    mark = f"IDC_HOME={home}".encode()

    def found() -> list[str]:
        lines = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (folder / "environ").read_bytes().split(b"\0"):
                    words = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                    lines.append(words.decode(errors="replace").strip())
            except OSError:  # it ended, or belongs to another user
                continue
        return [line for line in lines if line]

    deadline = time.monotonic() + 30
    while found() and time.monotonic() < deadline:
        time.sleep(0.5)
    return found()


if __name__ == "__main__":
    main()
