"""What can be handed on of an evaluation: the report, and each patch's label and probability."""

import io
from pathlib import Path

import numpy as np
import pandas as pd

from idc.errors import IdcError
from idc.evaluation.results import Results
from idc.files import atomic
from idc.files.spreadsheets import csv_text
from idc.report.document import report_html
from idc.runs.run import Run

TABLE_SUFFIXES = (".csv", ".parquet")


def predictions_table(results: Results, threshold: float) -> pd.DataFrame:
    """``case``, ``x``, ``y``, ``label``, ``y_prob`` and ``y_pred``, one row a patch."""
    table = results.patches[["case", "x", "y", "label"]].reset_index(drop=True)
    called = results.y_prob.astype(np.float64) >= threshold
    return table.assign(y_prob=results.y_prob, y_pred=called.astype(np.int8))


def predictions_file(results: Results, threshold: float, kind: str) -> bytes:
    """`predictions_table` as a file.

    Args:
        kind: one of `TABLE_SUFFIXES`.

    Raises:
        IdcError: another kind.
    """
    if kind not in TABLE_SUFFIXES:
        raise IdcError(f"Predictions are written as .csv or .parquet. Received: '{kind}'")
    table, buffer = predictions_table(results, threshold), io.BytesIO()
    if kind == ".csv":
        buffer.write(csv_text(table).encode())
    else:
        table.to_parquet(buffer, index=False)
    return buffer.getvalue()


def write_report(path: Path, run: Run, results: Results, threshold: float) -> None:
    """Write `idc.report.document.report_html`.

    Raises:
        IdcError: the file cannot be written.
    """
    _write(path, report_html(run, results, threshold).encode())


def write_predictions(path: Path, results: Results, threshold: float) -> None:
    """Write `predictions_table`; the suffix selects the format.

    Raises:
        IdcError: another ending, or the file cannot be written.
    """
    _write(path, predictions_file(results, threshold, path.suffix.lower()))


def _write(path: Path, content: bytes) -> None:
    try:
        atomic.replace_file(path, content)
    except OSError as error:
        raise IdcError(f"'{path}' cannot be written ({error.strerror}).") from error
