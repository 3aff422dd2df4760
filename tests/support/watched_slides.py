"""A small store, its split and frames of a watched slide."""

import numpy as np

from idc.datasets.splits import Split
from idc.runs.watched_slide import Frame
from tests.support.made_patches import tiny_store


def three_case_store():
    """Three cases of four patches: 1 trains, 2 is the validation part, 3 the test part."""
    return tiny_store("tiny", cases=3, per_case=4)


def split_by_case(store):
    train, validation, test = (np.flatnonzero(store.cases == case) for case in (1, 2, 3))
    return Split("case-disjoint", 0, train, validation, test)


def frame(case=2, epoch=0, step=0, levels=b"\x00\x01\x02\x03"):
    return Frame(case, epoch, step, elapsed_s=1.5, levels=levels)
