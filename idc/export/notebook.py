"""A run as a notebook or a script: plain Keras, NumPy, scikit-learn, OpenCV and plotly.

`templates/notebook.jinja` is the source of both. It is Python in the "percent" format that editors
know: the script is this text, the notebook has its cells.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import keras
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from idc.export.experiment import Experiment, open_experiment
from idc.export.literals import markdown_text, python_literal
from idc.export.model_file import best_model
from idc.export.network_code import network_code
from idc.networks.models import build_model
from idc.networks.precision import policy_scope
from idc.runs.run import Run

_CELL = re.compile(r"^# %%( \[markdown\])?\n", re.MULTILINE)
_BLANK_LINES = re.compile(r"\n{4,}")


def notebook_bytes(run: Run) -> bytes:
    """The run as a Jupyter notebook without outputs.

    Raises:
        IdcError: the run or its data set is missing or damaged.
    """
    from nbformat import v4, validate

    cells: list[Any] = []
    for is_text, source in cells_of(percent_text(run, "notebook")):
        make = v4.new_markdown_cell if is_text else v4.new_code_cell
        cells.append(make(source, id=f"cell-{len(cells) + 1}"))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    validate(notebook)
    return (json.dumps(notebook, indent=1, ensure_ascii=True) + "\n").encode()


def script_bytes(run: Run) -> bytes:
    """The run as a Python script; errors as `notebook_bytes`."""
    return percent_text(run, "script").encode()


def reads_patches_file(run: Run) -> str:
    """The name of the file of patches that its notebook reads; "" if it reads Kaggle's pictures.

    Raises:
        IdcError: as `notebook_bytes`.
    """
    experiment = open_experiment(run)
    return "" if experiment.from_kaggle else experiment.patches_file


def cells_of(text: str) -> list[tuple[bool, str]]:
    """The cells of a text in the percent format: (whether it is Markdown, source)."""
    _, *pieces = _CELL.split(text)
    cells = []
    for mark, source in zip(pieces[::2], pieces[1::2], strict=True):
        is_text = bool(mark)
        if is_text:
            source = re.sub(r"^# ?", "", source, flags=re.MULTILINE)
        cells.append((is_text, source.strip("\n")))
    return cells


def percent_text(run: Run, form: str) -> str:
    """The text of all cells.

    Args:
        form: "notebook" or "script", as it calls itself.
    """
    experiment = open_experiment(run)
    values = experiment.template_values() | _network_values(experiment)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # the filters below write literals of Python and Markdown
    )
    environment.filters |= {"python": python_literal, "markdown": markdown_text}
    template = environment.get_template("notebook.jinja")
    text = template.render(**values, form=form, title=run.title)
    return _BLANK_LINES.sub("\n\n\n", text)


def _network_values(experiment: Experiment) -> dict[str, Any]:
    run, side_px = experiment.run, experiment.store.description.side_px
    with policy_scope(run.config.precision):
        code = network_code(build_model(run.config.network, side_px))
    ended = run.status().state in ("finished", "stopped")
    digest = ""
    if ended and run.has_model():
        digest = weights_sha256(best_model(run))
    return {"network_code": code, "weights_sha256": digest}


def weights_sha256(model: keras.Model) -> str:
    """The digest of a model's arrays in Keras' order, which the notebook computes too."""
    return hashlib.sha256(b"".join(a.tobytes() for a in model.get_weights())).hexdigest()
