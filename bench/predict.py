"""Latency of the Predict page with the bundled model.

    python bench/predict.py [--uploads 20]

A region of 2,000 x 2,000 px (1,600 patches, all tissue) on two CPU cores: from the file's bytes to
the values of the heat map (gate, scale, tissue, tiles, model, calibration), compared with one
`model.predict` per patch, timed on 100 patches and multiplied by sixteen. Then one patch in a
browser on the running app: from the file choice to the displayed prediction, including the upload,
warmed up. This part is skipped without Chromium.
"""

import argparse
import contextlib
import io
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

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

SIDE_PX, PATCHES = 2_000, 1_600
NAIVE_PATCHES = 100

# From the file in the hand of the page until the answer to it is painted. The answer names the
# file, so that an older one is not taken for it.
TIMED = """async ([name, base64]) => {
  const bytes = Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
  const input = document.querySelector("input[type=file]");
  const files = new DataTransfer();
  files.items.add(new File([bytes], name, { type: "image/png" }));
  input.files = files.files;
  const began = performance.now();
  input.dispatchEvent(new Event("change", { bubbles: true }));
  for (;;) {
    await new Promise(requestAnimationFrame);
    const told = [...document.querySelectorAll("[data-testid=stCaptionContainer]")];
    const answered = document.querySelector("[data-testid=stProgress]");
    const took = performance.now() - began;
    if (answered && told.some((node) => node.textContent === name)) return took;
    if (took > 60_000) return NaN;
  }
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--uploads", type=int, default=20)
    options = parser.parse_args()
    with contextlib.suppress(AttributeError):  # not on macOS
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])  # children inherit it
    with tempfile.TemporaryDirectory() as home:
        os.environ["IDC_HOME"] = home
        rgb = tissue()
        bench_region(rgb)
        bench_patch(rgb, options.uploads)


def tissue() -> np.ndarray:
    """Generated tissue without a gap: uint8 RGB, shape (2000, 2000, 3)."""
    from idc.demo_tissue.generate import generate_slide, slide_patches

    patches: list[np.ndarray] = []
    for number in range(8):
        patches += [patch for _, patch in slide_patches(generate_slide(0, number))]
        if len(patches) >= PATCHES:
            break
    grid = np.stack(patches[:PATCHES]).reshape(40, 40, 50, 50, 3)
    return np.ascontiguousarray(grid.swapaxes(1, 2).reshape(SIDE_PX, SIDE_PX, 3))


def bench_region(rgb: np.ndarray) -> None:
    """Ours, warm, five times; the naive way once."""
    from idc.large_images.region import lay_out_region, predict_region
    from idc.prediction.predictor import warm_predictor
    from idc.runs.run import BUNDLED_RUN_ID, open_run
    from idc.uploads.gate import decode_image, warm_gate

    run, data = open_run(BUNDLED_RUN_ID), png(rgb)
    warm_gate()
    warm_predictor()

    def answer() -> tuple[np.ndarray, list[float]]:
        began = [time.perf_counter()]
        image = decode_image(data, "region.png")
        began.append(time.perf_counter())
        region = lay_out_region(image.rgb, 4.0)
        began.append(time.perf_counter())
        cells = predict_region(run, region).cells()
        began.append(time.perf_counter())
        return cells, np.diff(began).tolist()

    answer()  # the batch of 256 is compiled once
    rounds = [answer() for _ in range(5)]
    cells = rounds[0][0]
    assert int((~np.isnan(cells)).sum()) == PATCHES, "the region must be all tissue"
    parts = np.median([times for _, times in rounds], axis=0)
    ours = np.array([sum(times) for _, times in rounds])
    naive_s, naive = one_by_one(rgb)
    worst = float(np.abs(naive - cells.ravel()[:NAIVE_PATCHES]).max())
    print(f"{PATCHES:,} patches of {SIDE_PX:,} x {SIDE_PX:,} px, on two cores:")
    print(f"  ours           median {np.median(ours):.2f} s, worst {ours.max():.2f} s")
    print(f"  of which       {words(parts)}")
    print(
        f"  model.predict  {naive_s:.1f} s, patch by patch; answers differ by {worst:.0e} at most"
    )
    print(f"  ratio          {naive_s / np.median(ours):.0f}")


def words(parts: np.ndarray) -> str:
    """Seconds of the parts of the work."""
    names = ("gate", "scale and tissue", "tiles and model")
    return ", ".join(f"{name} {part:.2f} s" for name, part in zip(names, parts, strict=True))


def one_by_one(rgb: np.ndarray) -> tuple[float, np.ndarray]:
    """Seconds for all patches, by one `model.predict` each; the answers of the first ones."""
    from idc.networks.models import IDC_POSITIVE
    from idc.networks.weights import load_model
    from idc.runs.run import BUNDLED_RUN_ID, WEIGHTS_FILE, open_run

    run = open_run(BUNDLED_RUN_ID)
    model = load_model(run.folder / WEIGHTS_FILE, run.config.preset, run.best()["sha256"])
    patches = rgb.reshape(40, 50, 40, 50, 3).swapaxes(1, 2).reshape(-1, 50, 50, 3)
    model.predict(patches[:1], verbose=0)
    began = time.perf_counter()
    found = [model.predict(patch[None], verbose=0) for patch in patches[:NAIVE_PATCHES]]
    took = time.perf_counter() - began
    return took * PATCHES / NAIVE_PATCHES, run.calibration().apply(
        np.concatenate(found)[:, IDC_POSITIVE]
    )


def png(rgb: np.ndarray) -> bytes:
    """As a file."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "PNG")
    return file.getvalue()


def bench_patch(rgb: np.ndarray, uploads: int) -> None:
    """One patch after the other in a browser, each another one."""
    import base64

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        print("No Chromium, so no upload was timed.")
        return
    from playwright.sync_api import sync_playwright

    times = []
    with running_app() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(180_000)
        page.goto(f"{address}/predict")
        for number in range(uploads + 3):  # the first ones warm up
            page.wait_for_selector("input[type=file]", state="attached")
            page.wait_for_timeout(1_000)  # each begins at rest
            patch = rgb[50 * number : 50 * number + 50, :50]
            data = base64.b64encode(png(patch)).decode("ascii")
            times.append(page.evaluate(TIMED, [f"patch{number}.png", data]))
            page.get_by_role("button", name=f"Remove patch{number}.png").click()
            page.get_by_test_id("stProgress").wait_for(state="detached")
        browser.close()
    warm = np.array(times[3:])
    print(f"{uploads} patches uploaded, from the file to its answer on screen:")
    print(
        f"  median {np.median(warm):.0f} ms, p95 {np.quantile(warm, 0.95):.0f} ms, best "
        f"{warm.min():.0f} ms"
    )


@contextlib.contextmanager
def running_app() -> Iterator[str]:
    """The app on a free port, warm; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py"]
    command += ["--server.port", str(port), "--server.headless", "true"]
    process = subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        address = f"http://127.0.0.1:{port}"
        while process.poll() is None:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{address}/healthz", timeout=5).close()
                break
            time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
