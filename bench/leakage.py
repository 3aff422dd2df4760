"""The leakage check: duration, recall on generated copies, and chance matches.

    python bench/leakage.py STORE [--copies 1000]

Checks the store's random and case-disjoint splits, and extrapolates to the full set by the number
of patches. Then finds all pairs of near hashes by banding and, for comparison, by comparing all
pairs. Last, it makes copies (JPEG, brightness, scale, noise) of some patches and prints how many
the check reports as nearly identical.
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cv2
import numpy as np

from idc.datasets.leakage import MIN_CORRELATION, check_leakage
from idc.datasets.signatures import (
    MAX_HAMMING_DISTANCE,
    compute_signatures,
    grey_levels,
    low_frequency_correlation,
    perceptual_hashes,
    similar_pairs,
)
from idc.datasets.splits import make_split
from idc.datasets.store import PatchStore, open_store

FULL_SET = 277_524


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store")
    parser.add_argument("--copies", type=int, default=1_000)
    options = parser.parse_args()
    store = open_store(options.store)
    for protocol in ("random", "case-disjoint"):
        began = time.perf_counter()
        report = check_leakage(
            store, make_split(store.index, protocol, description=store.description)
        )
        seconds = time.perf_counter() - began
        print(f"{protocol}: {len(store):,} patches in {seconds:.1f} s, so about", end=" ")
        print(f"{seconds * FULL_SET / len(store):.0f} s for {FULL_SET:,}")
        print(report.table().to_string(), "\n" + "\n".join(report.sentences()), end="\n\n")
    compare_with_naive(store)
    made_copies(store, options.copies)


def compare_with_naive(store: PatchStore) -> None:
    """Near hashes of all patches: by banding, and each with each."""
    signed = compute_signatures(store.patches, np.arange(len(store)))
    hashes, group = signed.hashes[~signed.near_uniform], np.flatnonzero(~signed.near_uniform)
    began = time.perf_counter()
    pairs = similar_pairs(hashes, np.arange(len(hashes)))
    banded = time.perf_counter() - began
    began = time.perf_counter()
    found = 0
    for start in range(0, len(hashes), 256):
        bits = np.bitwise_count(hashes[start : start + 256, None] ^ hashes[None, start:])
        found += int(np.triu(bits <= MAX_HAMMING_DISTANCE, 1).sum())
    naive = time.perf_counter() - began
    print(f"near hashes by banding {banded:.2f} s, each with each {naive:.2f} s;", end=" ")
    print(f"{len(pairs)} and {found} pairs of at most {MAX_HAMMING_DISTANCE} bits", end=" ")
    print(f"among {len(hashes) * (len(hashes) - 1) // 2:,}")
    if len(pairs):
        one, other = (store.patches[group[pairs[:, side]]] for side in (0, 1))
        alike = low_frequency_correlation(one, other)
        print(f"of these, {int((alike >= MIN_CORRELATION).sum())} alike; likeness", alike.round(3))


def made_copies(store: PatchStore, count: int) -> None:
    """How many copies are found, by kind."""
    rng = np.random.default_rng(0)
    rows = np.sort(rng.choice(len(store), min(count, len(store)), replace=False))
    signed = compute_signatures(store.patches, rows)
    patches = store.patches[rows[~signed.near_uniform]]
    hashes = perceptual_hashes(grey_levels(patches))
    noise = rng.normal(0, 5, patches.shape)
    kinds = {
        "JPEG quality 90": np.stack([_jpeg(patch, 90) for patch in patches]),
        "JPEG quality 60": np.stack([_jpeg(patch, 60) for patch in patches]),
        "20 levels brighter": np.clip(patches.astype(int) + 20, 0, 255).astype(np.uint8),
        "to 40 px and back": np.stack([_shrunk(patch, 40) for patch in patches]),
        "noise of 5 levels": np.clip(patches + noise, 0, 255).astype(np.uint8),
        "moved by 1 px": np.roll(patches, 1, axis=2),
    }
    print(f"\n{len(patches):,} copies each     near hash  alike too  lowest likeness")
    for kind, copies in kinds.items():
        near = (
            np.bitwise_count(hashes ^ perceptual_hashes(grey_levels(copies)))
            <= MAX_HAMMING_DISTANCE
        )
        alike = low_frequency_correlation(patches, copies)
        both = near & (alike >= MIN_CORRELATION)
        print(f"{kind:<22}{near.mean():>9.1%}{both.mean():>11.1%}{alike.min():>17.3f}")


def _jpeg(patch: np.ndarray, quality: int) -> np.ndarray:
    _, data = cv2.imencode(".jpg", patch, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


def _shrunk(patch: np.ndarray, side: int) -> np.ndarray:
    return cv2.resize(cv2.resize(patch, (side, side), interpolation=cv2.INTER_AREA), (50, 50))


if __name__ == "__main__":
    main()
