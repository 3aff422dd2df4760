"""A random sample of patches of both classes."""

import numpy as np
import pandas as pd


def alternating_sample(index: pd.DataFrame, per_class: int, seed: int) -> pd.DataFrame:
    """Random patches of both classes in turn: negative, positive, negative, ...

    Args:
        index: a store's index.
        per_class: number of patches per class; fewer if a class has fewer.
        seed: the same seed gives the same patches.

    Returns:
        columns ``row``, ``case``, ``x``, ``y``, ``label``.
    """
    rng = np.random.default_rng(seed)
    labels = index["label"].to_numpy()
    drawn = []
    for label in (0, 1):
        rows = np.flatnonzero(labels == label)
        drawn.append(rng.choice(rows, min(per_class, len(rows)), replace=False))
    paired = min(map(len, drawn))
    rows = np.column_stack([part[:paired] for part in drawn]).ravel()
    rows = np.concatenate([rows, *(part[paired:] for part in drawn)]).astype(np.int64)
    table = index.iloc[rows][["case", "x", "y", "label"]]
    return table.assign(row=rows).reset_index(drop=True)
