"""How long a visitor of the full-size data set waits, and what five of them cost in memory.

    python bench/browse.py [--home FOLDER] [--rounds 30] [--visitors 5] [--share 1.0]

Starts the app on the full-size stand-in (`bench/full_size.py`) and, in the same run, a naive page:
pandas filters and an `st.image` for each file. Both are warm, both are driven by a real Chromium,
and each figure is the time from the click to the finished picture: for the grid and the opened
patch until the new pixels are painted, for the naive page until its last image is decoded.
Prints median and 95th percentile in ms, and the ratio.
"""

import argparse
import contextlib
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cv2
import numpy as np
import pandas as pd
from full_size import full_size_store
from live_app import chromium, idc_lab, serving, wait_until
from playwright.sync_api import Browser, Locator, Page
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from idc.datasets.measurements import has_measurements, measure_store
from idc.datasets.patch_filter import (
    PatchColumns,
    PatchFilters,
    full_sort_order,
    matching_rows,
    patch_columns,
    sort_rows,
)
from idc.datasets.store import PatchStore
from idc.launch.start import create_run
from idc.patches import PatchName
from idc.runs.run import PREDICTIONS_FILE
from idc.settings.training_config import preset_config

STORE = "full"
PATIENCE_MS = 120_000
A_PAGE = 48

Samples = dict[str, list[float]]

NAIVE_PAGE = """
import pandas as pd
import streamlit as st

st.set_page_config(layout="wide")
files = pd.read_csv("files.csv") if "files" not in st.session_state else st.session_state.files
st.session_state.files = files
label = st.selectbox("Class", ["both", "negative", "positive"])
if label != "both":
    files = files[files["label"] == (label == "positive")]
sort = st.selectbox("Sort by", ["case", "probability"])
files = files.sort_values(sort)
page = st.number_input("Page", 1, len(files) // 48 + 1)
columns = st.columns(8)
for n, path in enumerate(files["path"].iloc[(page - 1) * 48 : page * 48]):
    columns[n % 8].image(path, caption=f"page {page}")
chosen = st.number_input("Patch", 0, len(files) - 1)
st.image(files["path"].iloc[chosen], width=400, caption=f"patch {chosen}")
"""


def main() -> None:
    options = parse()
    os.environ["IDC_HOME"] = str(options.home)
    store = full_size_store(STORE, options.share)
    print(f"{len(store):,} patches of {len(np.unique(store.cases))} cases, {os.cpu_count()} cores")
    if not has_measurements(store):
        start = time.perf_counter()
        measure_store(store)
        print(f"measuring tissue and stain, once a store: {time.perf_counter() - start:.1f} s")
    made_run(store)
    query_times(store)
    with chromium() as browser:
        with idc_lab(options.home) as (address, server):
            ours = browse_app(browser, address, store, options.rounds)
            ours |= browse_slides(browser, address, options.rounds)
            print_memory(server, browser, address, options.visitors)
        with naive_app(store) as (address, _):
            naive = browse_naive(browser, address, max(5, options.rounds // 3))
    print_table(ours, naive)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, default=Path(tempfile.gettempdir()) / "idc_full_size")
    parser.add_argument("--rounds", type=int, default=30, help="clicks of each kind")
    parser.add_argument("--visitors", type=int, default=5)
    parser.add_argument("--share", type=float, default=1.0, help="of the 279 cases")
    return parser.parse_args()


# The requests to the app


def made_run(store: PatchStore) -> None:
    """A run that has answered for every patch, made up: only its size matters here."""
    if any((Path(os.environ["IDC_HOME"]) / "runs").glob(f"*/{PREDICTIONS_FILE}")):
        return
    run = create_run(preset_config("notebook", store.name, name="made up", patches=None))
    rng = np.random.default_rng(0)
    answers = np.clip(rng.normal(0.25 + 0.5 * store.labels, 0.25), 0, 1).astype(np.float32)
    table = pd.DataFrame({"row": np.arange(len(store)), "probability": answers, "part": "test"})
    table.to_parquet(run.folder / PREDICTIONS_FILE)
    run.write_status(run.status().__class__(state="finished", epochs=1, epoch=1))


def query_times(store: PatchStore) -> None:
    """The core alone, here and at ten million patches: what an interaction costs without a page."""
    columns, rng = patch_columns(store), np.random.default_rng(0)
    many = 10_000_000
    print_query_times(replace(columns, probability=rng.random(len(store), np.float32)))
    print_query_times(
        PatchColumns(
            case=np.sort(rng.choice(columns.case, many)),
            label=rng.choice(columns.label, many),
            edge=rng.random(many) < 0.01,
            probability=rng.random(many, np.float32),
        )
    )


def print_query_times(columns: PatchColumns) -> None:
    some = PatchFilters(cases=tuple(columns.cases()[:3]))
    order, first_sort = timed(lambda: full_sort_order(columns, "probability", True))
    positive, by_class = timed(lambda: matching_rows(columns, PatchFilters(label=1)))
    _, by_case = timed(lambda: matching_rows(columns, some))
    found, known_order = timed(lambda: sort_rows(columns, positive, "probability", True, order))
    _, next_page = timed(lambda: found[4_800:4_848].copy())
    print(
        f"{len(columns):>11,} patches: first sort by a figure {first_sort:.1f} ms, filter by class "
        f"{by_class:.1f}, into a known order {known_order:.1f}, filter by 3 cases {by_case:.2f}, "
        f"next page {next_page:.3f}"
    )


def timed(work: Callable[[], np.ndarray]) -> tuple[np.ndarray, float]:
    """Its result, and the least of five in ms of one core's work: others use this machine too."""
    times = []
    for _ in range(5):
        start = time.process_time()
        result = work()
        times.append(1000 * (time.process_time() - start))
    return result, min(times)


# Servers


@contextlib.contextmanager
def naive_app(store: PatchStore) -> Iterator[tuple[str, subprocess.Popen]]:
    """The naive page over the same index; files of a few cases exist, which is all it reads."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "naive.py").write_text(textwrap.dedent(NAIVE_PAGE))
        naive_files(store, folder).to_csv(folder / "files.csv", index=False)
        with serving(folder, "naive.py", {}) as started:
            yield started


def naive_files(store: PatchStore, folder: Path, kept: int = 5_000) -> pd.DataFrame:
    """One row a patch of the whole set; the paths repeat over some thousand files that exist."""
    rng = np.random.default_rng(0)
    paths = []
    for row in rng.choice(len(store), min(kept, len(store)), replace=False):
        entry = store.index.iloc[row]
        name = PatchName(int(entry.case), int(entry.y), int(entry.x), int(entry.label))
        path = folder / f"{row}_{name.file_name()}"
        cv2.imwrite(str(path), cv2.cvtColor(np.asarray(store.patches[row]), cv2.COLOR_RGB2BGR))
        paths.append(str(path))
    table = store.index[["case", "label"]].copy()
    table["probability"] = rng.random(len(store))
    table["path"] = np.resize(paths, len(store))
    return table


# Clicks

# Runs in the page: `pressed` becomes the time of the click as the browser sees it, `finished` that
# of the frame after what is shown has changed.
_WATCH = """(before) => {
  const mark = FINDER;
  const pressed = () => { window.pressed = performance.now(); };
  addEventListener('click', pressed, { capture: true, once: true });
  window.finished = new Promise((resolve) => {
    const look = () => {
      const now = mark();
      const changed = now !== null && now !== before;
      requestAnimationFrame(changed ? () => resolve(performance.now()) : look);
    };
    look();
  });
}"""

# The grid: tiles, and the pixels of the first and the last; both are painted in one go.
# Found once, so that the search does not take the time that is measured.
GRID = """() => {
  if (!window.grid?.isConnected) {
    const roots = [...document.querySelectorAll('*')].map((e) => e.shadowRoot).filter(Boolean);
    window.grid = roots.map((r) => r.querySelector('.grid')).find(Boolean);
  }
  const grid = window.grid;
  if (!grid) return null;
  const tiles = [...grid.querySelectorAll('[role=option]')];
  if (!tiles.length) return 'none';
  const pixels = (tile) => [...tile.firstChild.getContext('2d').getImageData(20, 20, 4, 4).data];
  const ends = [tiles[0], tiles[tiles.length - 1]];
  if (ends.some((tile) => pixels(tile)[3] === 0)) return null;
  const seen = ends.map((tile) => [tile.getAttribute('aria-label'), pixels(tile)]);
  return JSON.stringify([tiles.length, seen]);
}"""
DETAIL = """() => {
  if (!window.large?.isConnected) {
    const roots = [...document.querySelectorAll('*')].map((e) => e.shadowRoot).filter(Boolean);
    window.large = roots.map((r) => r.querySelector('.large')).find(Boolean);
  }
  return window.large?.dataset.shown ?? 'none';
}"""
SLIDE = """() => {
  if (!window.viewer?.isConnected) {
    const roots = [...document.querySelectorAll('*')].map((e) => e.shadowRoot).filter(Boolean);
    window.viewer = roots.map((r) => r.querySelector('.viewer')).find(Boolean);
  }
  return window.viewer?.dataset.showing ?? null;
}"""
# Moves a slider, or the wheel over the slide, and waits for the frame that shows it; nothing leaves
# the browser.
MOVE = """([name, value]) => new Promise((resolve) => {
  const roots = [...document.querySelectorAll('*')].map((e) => e.shadowRoot).filter(Boolean);
  const viewer = roots.map((r) => r.querySelector('.viewer')).find(Boolean);
  const map = viewer.querySelector('.map');
  const slider = viewer.querySelector(`input[name=${name}]`);
  const { left, top, width, height } = map.getBoundingClientRect();
  const middle = { clientX: left + width / 2, clientY: top + height / 2 };
  const [before, start] = [viewer.dataset.painted, performance.now()];
  if (name === 'zoom') {
    map.dispatchEvent(new WheelEvent('wheel', { deltaY: value, cancelable: true, ...middle }));
  } else {
    slider.value = value;
    slider.dispatchEvent(new Event('input', { bubbles: true }));
  }
  const look = () => viewer.dataset.painted === before
    ? requestAnimationFrame(look) : resolve(performance.now() - start);
  look();
})"""
NAIVE = """() => {
  const images = [...document.querySelectorAll('[data-testid=stImage] img')];
  const stale = document.querySelector('[data-stale=true]');
  if (stale || !images.length || images.some((i) => !i.complete || !i.naturalWidth)) return null;
  const captions = [...document.querySelectorAll('[data-testid=stImageCaption]')];
  return images.map((i) => i.src).join() + captions.map((c) => c.textContent).join();
}"""


def clicked(page: Page, finder: str, click: Callable[[], object]) -> float:
    """Milliseconds from the click until what `finder` tells has changed."""
    wait_until(lambda: page.evaluate(f"({finder})()") is not None)
    before = page.evaluate(f"({finder})()")
    page.evaluate(_WATCH.replace("FINDER", finder), before)
    click()
    return page.evaluate("window.finished.then((finished) => finished - window.pressed)")


def browse_app(browser: Browser, address: str, store: PatchStore, rounds: int) -> Samples:
    page = visit(browser, f"{address}/dataset?data={STORE}&view=roam")
    page.get_by_role("option").first.wait_for(timeout=PATIENCE_MS)
    samples: Samples = {}

    def sample(name: str, finder: str, clicks: Iterator[Callable[[], object]]) -> None:
        for click in itertools.islice(clicks, 2):  # warm
            clicked(page, finder, click)
        samples[name] = [clicked(page, finder, click) for click in itertools.islice(clicks, rounds)]

    following = page.get_by_role("button", name="Next", exact=True)
    sample("next grid page", GRID, itertools.repeat(following.click))
    tiles = page.get_by_role("option")
    sample("patch detail", DETAIL, (tiles.nth(n % A_PAGE).click for n in itertools.count(1)))
    sample("filter change", GRID, chooser(page, "Class", ["IDC-positive", "IDC-negative", "Both"]))
    sample("sort change", GRID, chooser(page, "Sort by", ["Error", "Mean stain", "Doubt"]))
    return samples


def browse_slides(browser: Browser, address: str, rounds: int) -> Samples:
    """The Slides page: from slide to slide; threshold, opacity and zoom of its error layer."""
    page = visit(browser, f"{address}/slides?data={STORE}&case=8863")
    following = page.get_by_role("button", name="Next", exact=True)
    following.wait_for(timeout=PATIENCE_MS)
    wait_until(lambda: page.evaluate(f"({SLIDE})()") is not None)
    switches = [clicked(page, SLIDE, following.click) for _ in range(rounds)]
    page.get_by_role("button", name="Errors").or_(page.get_by_label("Errors")).first.click()
    steps = {
        "threshold": [0.3 + 0.4 * n / rounds for n in range(rounds)],
        "opacity": [0.3 + 0.4 * n / rounds for n in range(rounds)],
        "zoom": [-60.0] * rounds,
    }
    moves = {
        f"{name} move": [page.evaluate(MOVE, [name, value]) for value in values]
        for name, values in steps.items()
    }
    return {"slide switch": switches, **moves}


def chooser(page: Page, label: str, words: list[str]) -> Iterator[Callable[[], object]]:
    """Clicks on the options of a select box, one after the other; it is opened beforehand."""
    for word in itertools.cycle(words):
        option = page.get_by_role("listbox").last.get_by_role("option", name=word, exact=True)
        wait_until(lambda option=option: opened(page, label, option))
        yield option.click


def opened(page: Page, label: str, option: Locator) -> bool:
    """Open a select box; the answer to the click before may just arrive, and close it again."""
    page.get_by_role("combobox", name=label).click()
    with contextlib.suppress(PlaywrightTimeoutError):
        option.wait_for(timeout=2_000)
        return True
    return False


def browse_naive(browser: Browser, address: str, rounds: int) -> Samples:
    page = visit(browser, address)
    samples: Samples = {}

    def sample(name: str, clicks: Iterator[Callable[[], object]]) -> None:
        clicked(page, NAIVE, next(clicks))
        samples[name] = [clicked(page, NAIVE, click) for click in itertools.islice(clicks, rounds)]

    steps = page.get_by_test_id("stNumberInputStepUp")
    sample("next grid page", itertools.repeat(steps.first.click))
    sample("patch detail", itertools.repeat(steps.last.click))
    sample("filter change", chooser(page, "Class", ["positive", "negative", "both"]))
    sample("sort change", chooser(page, "Sort by", ["probability", "case"]))
    return samples


def visit(browser: Browser, url: str) -> Page:
    page = browser.new_context(viewport={"width": 1280, "height": 1000}).new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(url)
    return page


# What comes out


def print_memory(server: subprocess.Popen, browser: Browser, address: str, visitors: int) -> None:
    """The server's memory with so many visitors, each turning pages and opening a patch."""
    print(f"server memory, one visitor: {memory(server.pid)}")
    for number in range(visitors):
        page = visit(browser, f"{address}/dataset?data={STORE}&view=roam&sort=error&page={number}")
        for _ in range(3):
            page.get_by_role("option").nth(number).click()
            page.get_by_role("button", name="Next", exact=True).click()
            page.wait_for_timeout(500)
    print(f"server memory, {visitors} more: {memory(server.pid)}")


def memory(pid: int) -> str:
    """Of a process alone: its own pages, and the parts of mapped files that are in memory."""
    fields = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    own, mapped = (int(fields[name].split()[0]) / 1000 for name in ("RssAnon", "RssFile"))
    return f"{own + mapped:,.0f} MB ({own:,.0f} its own, {mapped:,.0f} of mapped files)"


def print_table(ours: Samples, naive: Samples) -> None:
    heads = ("median", "p95", "naive", "p95", "ratio")
    print(f"\n{'from click to picture, ms':<26}" + "".join(f"{head:>9}" for head in heads))
    for name, times in ours.items():
        other = naive.get(name, [float("nan")])  # no naive page has slides
        print(
            f"{name:<26}{statistics.median(times):>9.0f}{p95(times):>9.0f}"
            f"{statistics.median(other):>9.0f}{p95(other):>9.0f}"
            f"{statistics.median(other) / statistics.median(times):>8.1f}x"
        )


def p95(times: list[float]) -> float:
    return float(np.percentile(times, 95))


if __name__ == "__main__":
    main()
