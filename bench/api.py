"""Throughput of the HTTP API: simultaneous clients against the model alone.

    python bench/api.py [--clients 8] [--seconds 20]

Starts the app on a port, warmed up, on the same two CPU cores as its clients. Each client sends PNG
patches one after the other: single ones, then forms of 64. Prints the time per request (median,
p95) and patches per second; for comparison, on the same cores, the bare model on decoded patches in
memory: one by one, and 64 at once. The difference is HTTP, decoding in child processes, transfer to
the worker, features and warnings. Every response is compared with the bare model's prediction.
"""

import argparse
import contextlib
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import requests

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

TOKEN = "a-token-for-the-bench-alone"
FORM, DIFFERENT = 64, 256


def main() -> None:
    from live_app import serving

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    with contextlib.suppress(AttributeError):  # not on macOS
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])  # children inherit it
    patches = tissue()
    files = [cv2.imencode(".png", patch[..., ::-1])[1].tobytes() for patch in patches]
    bare = {size: bare_model(patches, size, options.seconds / 2) for size in (1, FORM)}
    expected = bare[FORM][1]
    with tempfile.TemporaryDirectory() as home:
        environ = {"IDC_HOME": home, "IDC_API_TOKEN": TOKEN}
        with serving(ROOT, "streamlit_app.py", environ) as (address, _):
            for size in (1, FORM):
                ask(address, files, expected, 0, size)  # warm
                times, took_s = load(address, files, expected, size, options)
                report(size, np.array(times), took_s, bare[size][0], options.clients)


def tissue() -> np.ndarray:
    """Generated tissue: uint8 RGB, shape (256, 50, 50, 3)."""
    from idc.demo_tissue.generate import generate_slide, slide_patches

    patches: list[np.ndarray] = []
    for number in range(8):
        patches += [patch for _, patch in slide_patches(generate_slide(0, number))]
        if len(patches) >= DIFFERENT:
            break
    return np.stack(patches[:DIFFERENT])


def bare_model(patches: np.ndarray, size: int, seconds: float) -> tuple[float, np.ndarray]:
    """Patches a second by the model alone, and its calibrated answers, float32 (256,)."""
    from idc.networks.inference import predict_probabilities
    from idc.networks.weights import load_model
    from idc.runs.run import BUNDLED_RUN_ID, WEIGHTS_FILE, open_run

    run = open_run(BUNDLED_RUN_ID)
    model = load_model(run.folder / WEIGHTS_FILE, run.config.preset, run.best()["sha256"])
    starts = range(0, len(patches), size)
    found = np.concatenate([predict_probabilities(model, patches[at : at + size]) for at in starts])
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        at = done % len(patches)
        predict_probabilities(model, patches[at : at + size])
        done += size
    return done / (time.perf_counter() - began), run.calibration().apply(found)


def load(
    address: str, files: list[bytes], expected: np.ndarray, size: int, options: argparse.Namespace
) -> tuple[list[float], float]:
    """Seconds of each request of all clients, and of all together."""
    times: list[float] = []
    failures: list[BaseException] = []
    began = time.perf_counter()

    def client(number: int) -> None:
        at = number * len(files) // options.clients
        try:
            while time.perf_counter() - began < options.seconds:
                times.append(ask(address, files, expected, at, size))
                at += size
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=client, args=(n,)) for n in range(options.clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise SystemExit(f"A client failed: {failures[0]}")
    return times, time.perf_counter() - began


def ask(address: str, files: list[bytes], expected: np.ndarray, at: int, size: int) -> float:
    """Seconds of one request; its answers must be the bare model's."""
    places = [(at + step) % len(files) for step in range(size)]
    header = {"Authorization": f"Bearer {TOKEN}"}
    began = time.perf_counter()
    if size == 1:
        answer = requests.post(
            f"{address}/api/predict", data=files[places[0]], headers=header, timeout=300
        )
    else:
        form = [("file", (f"{place}.png", files[place])) for place in places]
        answer = requests.post(f"{address}/api/predict", files=form, headers=header, timeout=300)
    took_s = time.perf_counter() - began
    answer.raise_for_status()
    answered = [entry["probability"] for entry in answer.json()["answers"]]
    if not np.allclose(answered, expected[places], atol=1e-4):
        raise SystemExit("An answer is not the bare model's.")
    return took_s


def report(size: int, times: np.ndarray, took_s: float, bare: float, clients: int) -> None:
    rate = len(times) * size / took_s
    print(f"{clients} clients, {size} a request, {len(times):,} requests in {took_s:.0f} s:")
    print(f"  a request    median {1e3 * np.median(times):,.0f} ms, ", end="")
    print(f"p95 {1e3 * np.quantile(times, 0.95):,.0f} ms")
    print(f"  door         {rate:,.0f} patches/s")
    print(f"  bare model   {bare:,.0f} patches/s, {size} at once")
    print(f"  ratio        {rate / bare:.2f}", flush=True)


if __name__ == "__main__":
    main()
