"""Scores, class names and colours as in the table that the JavaScript tests read too."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from idc.metrics.scores import evaluate
from idc.patches import CLASS_COLOURS, CLASS_NAMES

TABLE = json.loads((Path(__file__).parents[1] / "data/worked_cases.json").read_text())


@pytest.mark.parametrize("case", TABLE["scores"], ids=lambda case: case["name"])
def test_scores_equal_the_worked_case(case):
    counts = [case["counts"][cell] for cell in ("tn", "fp", "fn", "tp")]
    report = evaluate(np.repeat([0, 0, 1, 1], counts), np.repeat([0.2, 0.8, 0.2, 0.8], counts))

    for name, expected in case["scores"].items():
        wanted = math.nan if expected is None else expected
        assert getattr(report, name) == pytest.approx(wanted, nan_ok=True), name


def test_class_names_and_colours_equal_the_table():
    assert list(CLASS_NAMES) == TABLE["class_names"]
    assert list(CLASS_COLOURS) == TABLE["class_colours"]
