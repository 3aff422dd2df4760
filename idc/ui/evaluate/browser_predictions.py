"""The predictions and the threshold that the components of Evaluate share in the browser.

The slider sends the predictions once, 4 bytes each. After that the browser counts at each new
threshold by itself and requests nothing (see ``shared_predictions.js``).
"""

import base64
import hashlib
from typing import Any

import numpy as np
import streamlit as st

from idc.evaluation.results import Results, saved_parts, saved_results
from idc.metrics.bootstrap import Bootstrap
from idc.metrics.thresholds import ThresholdPreset, threshold_presets
from idc.runs.run import Run


def predictions_id(run: Run, results: Results) -> str:
    """The key under which the components find the shared predictions."""
    return f"{run.id}/{results.part}"


@st.cache_data(max_entries=8, show_spinner=False)
def predictions_payload(digest: str, _results: Results) -> dict[str, Any]:
    """The predictions in the format that the browser reads.

    Args:
        digest: `results_digest` of the results; the cache key.

    Returns:
        "content"; "cases": [case, negatives, positives] in ascending order; "probabilities":
        little-endian float32 in base64, by case, then negatives before positives, then ascending.
    """
    cases, y_true, y_prob = _results.cases, _results.y_true, _results.y_prob
    order = np.lexsort((y_prob, y_true, cases))
    case_numbers, case_of = np.unique(cases, return_inverse=True)
    positives = np.bincount(case_of, weights=y_true).astype(int)
    negatives = np.bincount(case_of) - positives
    return {
        "content": digest,
        "cases": np.stack([case_numbers, negatives, positives], axis=1).tolist(),
        "probabilities": base64.b64encode(y_prob[order].astype("<f4").tobytes()).decode("ascii"),
    }


def results_digest(results: Results) -> str:
    """A digest of the predictions: 16 hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=8)
    for column in (results.cases, results.y_true, results.y_prob):
        digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()


@st.cache_resource(max_entries=4, show_spinner="Computing intervals …")
def cached_bootstrap(digest: str, _results: Results) -> Bootstrap:
    """The bootstrap of the results; ``digest``, their `results_digest`, is the cache key."""
    return Bootstrap(_results.y_true, _results.y_prob, _results.cases)


def validation_presets(run: Run) -> list[ThresholdPreset]:
    """The run's named thresholds, chosen on its validation part alone."""
    return _presets(run.id, run.predictions_modified_ns(), run)


@st.cache_data(max_entries=32, show_spinner=False)
def _presets(run_id: str, modified_ns: int, _run: Run) -> list[ThresholdPreset]:
    if "validation" not in saved_parts(_run):
        return threshold_presets(np.empty(0, int), np.empty(0))
    validation = saved_results(_run, "validation")
    return threshold_presets(validation.y_true, validation.y_prob)
