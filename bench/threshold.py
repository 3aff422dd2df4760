"""How soon the page follows a move of the threshold, on 50,000 predictions in a real browser.

Ours (the Evaluate page: counted in the browser) against the naive way (a Streamlit slider whose
rerun computes scikit-learn's scores and draws plotly figures anew). Timed from the key press on the
slider until the number of false alarms on screen has changed; the naive page's plots come later
still, which is left out.

    python bench/threshold.py [--predictions 50000] [--moves 60]
"""

import argparse
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

NAIVE_PAGE = """
import numpy as np, pandas as pd, plotly.express as px, streamlit as st
from sklearn import metrics

table = pd.read_parquet({path!r})
y_true, y_prob = table["label"].to_numpy(), table["probability"].to_numpy()
threshold = st.slider("Threshold", 0.0, 1.0, 0.5, 0.001, format="%.3f")
y_pred = y_prob >= threshold
(tn, fp), (fn, tp) = metrics.confusion_matrix(y_true, y_pred)
st.metric("False alarms", f"{{fp:,}}")
for score in (metrics.accuracy_score, metrics.balanced_accuracy_score, metrics.recall_score,
              metrics.precision_score, metrics.f1_score):
    st.write(score.__name__, score(y_true, y_pred))
st.write("AUC", metrics.roc_auc_score(y_true, y_prob))
st.write("AP", metrics.average_precision_score(y_true, y_prob))
st.plotly_chart(px.imshow([[tn, fp], [fn, tp]], text_auto=True))
rate, sensitivity, _ = metrics.roc_curve(y_true, y_prob)
figure = px.line(x=rate, y=sensitivity)
figure.add_scatter(x=[fp / (fp + tn)], y=[tp / (tp + fn)])
st.plotly_chart(figure)
precision, recall, _ = metrics.precision_recall_curve(y_true, y_prob)
figure = px.line(x=recall, y=precision)
figure.add_scatter(x=[tp / (tp + fn)], y=[tp / (tp + fp)])
st.plotly_chart(figure)
figure = px.histogram(table, x="probability", color="label", nbins=20)
figure.add_vline(x=threshold)
st.plotly_chart(figure)
cases = table.assign(wrong=y_pred != y_true).groupby("case")["wrong"].mean()
st.dataframe(cases.sort_values(ascending=False))
"""

# The node that shows the number of false alarms. Ours stays; the naive page's may be replaced.
OURS = """() => {
  const roots = [...document.querySelectorAll("*")].map((node) => node.shadowRoot);
  const cell = roots.map((root) => root?.querySelector("button.error .count")).find(Boolean);
  return (globalThis.shown = cell && (() => cell.textContent));
}"""
NAIVE = """() => {
  const node = () => document.querySelector("[data-testid=stMetricValue]");
  return (globalThis.shown = node() && (() => node()?.textContent));
}"""
TIMED = """() => {
  const before = shown();
  let start = Infinity;
  const options = { capture: true, once: true };
  addEventListener("keydown", ({ timeStamp }) => (start = timeStamp), options);
  const { send } = WebSocket.prototype;
  let sent = 0;
  WebSocket.prototype.send = function (frame) {
    if (start < Infinity) sent += frame.byteLength ?? frame.length;
    send.call(this, frame);
  };
  globalThis.changed = new Promise((done) => {
    const look = () => {
      const now = shown();
      if (!now || now === before) return requestAnimationFrame(look);
      WebSocket.prototype.send = send;
      done([performance.now() - start, sent]);
    };
    requestAnimationFrame(look);
  });
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--predictions", type=int, default=50_000)
    parser.add_argument("--moves", type=int, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["IDC_HOME"] = home
        write_run(options.predictions)
        naive = Path(home) / "naive.py"
        naive.write_text(NAIVE_PAGE.format(path=str(Path(home) / "table.parquet")))
        print(
            f"{options.predictions:,} predictions, {options.moves} moves of 0.001: milliseconds, "
        )
        print("bytes sent until it shows, bytes on the wire a move with the rerun at rest")
        heads = ("median", "p95", "worst", "sent", "in all")
        print(f"{'':<28}" + "".join(f"{head:>10}" for head in heads), flush=True)
        with running(PROJECT / "streamlit_app.py", "/healthz") as address:
            report("Evaluate, in the browser", moved(f"{address}/evaluate", OURS, options.moves))
        with running(naive, "/_stcore/health") as address:
            report("scikit-learn and plotly", moved(address, NAIVE, options.moves))


def write_run(count: int) -> None:
    """A store of ``count`` plain patches of 49 cases, and a run with predictions of all of them."""
    from idc.datasets.store import PackReport
    from idc.datasets.store_writer import Patch, StoreWriter
    from idc.launch.start import create_run
    from idc.patches import PatchName
    from idc.runs.run import PREDICTIONS_FILE, RunStatus
    from idc.settings.training_config import preset_config

    rng = np.random.default_rng(0)
    label = (rng.random(count) < 0.28).astype(int)
    case = np.sort(rng.integers(1, 50, count))
    probability = np.clip(rng.normal(0.3 + 0.35 * label, 0.2), 0, 1).astype(np.float32)
    pixels = rng.integers(0, 255, (50, 50, 3)).astype(np.uint8)
    with StoreWriter("bench", count) as writer:
        for start in range(0, count, 1_000):
            some = range(start, min(start + 1_000, count))
            writer.add(
                [
                    Patch(
                        PatchName(
                            int(case[i]), 1 + 50 * (i // 60), 1 + 50 * (i % 60), int(label[i])
                        ),
                        pixels,
                    )
                    for i in some
                ]
            )
        writer.finish(PackReport(sources=("bench",)))
    run = create_run(preset_config("fast", "bench", patches=None))
    table = pd.DataFrame({"row": np.arange(count), "probability": probability, "part": "test"})
    table.to_parquet(run.folder / PREDICTIONS_FILE)
    run.write_status(RunStatus(state="finished", epochs=1, epoch=1))
    home = run.folder.parent.parent
    table.assign(label=label, case=case).to_parquet(home / "table.parquet")


@contextlib.contextmanager
def running(script: Path, health: str) -> Iterator[str]:
    """A Streamlit server for a script; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port)]
    command += ["--server.headless", "true", "--server.address", "127.0.0.1"]
    process = subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        address = f"http://127.0.0.1:{port}"
        while process.poll() is None:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(address + health, timeout=5).close()
                break
            time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait()


def moved(address: str, find: str, moves: int) -> tuple[np.ndarray, float]:
    """Milliseconds and bytes sent until each move shows, shape (moves, 2); all bytes a move."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    travelled = 0

    def count(frame: str | bytes) -> None:
        nonlocal travelled
        travelled += len(frame)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(300_000)
        page.on(
            "websocket",
            lambda socket: (socket.on("framesent", count), socket.on("framereceived", count)),
        )
        page.goto(address)
        page.wait_for_function(find)
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(3_000)  # whatever is still being drawn
        figures, travelled = [], 0
        for _ in range(moves):
            page.evaluate(TIMED)
            page.get_by_role("slider").first.focus()  # a rerun may have taken it
            page.keyboard.press("ArrowRight")
            figures.append(page.evaluate("() => globalThis.changed"))
            page.wait_for_timeout(1_000)  # each move begins at rest, the last rerun done
        browser.close()
    return np.array(figures), travelled / moves


def report(name: str, measured: tuple[np.ndarray, float]) -> None:
    """Print one row."""
    (times, sent), travelled = measured[0].T, measured[1]
    figures = [np.median(times), np.quantile(times, 0.95), times.max(), np.mean(sent), travelled]
    print(f"{name:<28}" + "".join(f"{figure:>10,.0f}" for figure in figures), flush=True)


if __name__ == "__main__":
    main()
