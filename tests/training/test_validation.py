import json

import numpy as np
import pytest

from idc.datasets.place import place_of
from idc.training.validation import worst_patches
from tests.support.made_patches import tiny_store


def test_worst_patches_are_wrong_and_farthest_from_their_label(home):
    store = tiny_store("tiny", cases=3, per_case=4)
    rows = np.arange(4)
    labels = store.labels[rows]
    # one correct prediction, then wrong by 0.6, by 0.9, and by 0.5 at the threshold of a negative
    y_prob = np.where(labels == 1, [0.7, 0.4, 0.1, 0.45], [0.3, 0.6, 0.9, 0.5]).astype(np.float32)
    worst = worst_patches(store, rows, y_prob)

    assert [name for name, _ in worst] == [str(place_of(store, row)) for row in (2, 1, 3)]
    assert [value for _, value in worst] == pytest.approx(y_prob[[2, 1, 3]].tolist(), abs=1e-4)
    assert len(worst_patches(store, rows, y_prob, limit=1)) == 1
    json.dumps(worst)
