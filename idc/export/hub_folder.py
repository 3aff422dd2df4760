"""A folder with a run's model, ready to push to Hugging Face: card, model files, licence."""

import html
import secrets
import shutil
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from idc.errors import ConfigError, DataError
from idc.evaluation.results import Results, saved_results
from idc.export.literals import markdown_text, python_literal
from idc.export.model_file import LIMITS, NO_LICENCE, write_model_file
from idc.export.model_formats import FORMATS
from idc.export.packages import require_packages
from idc.files import atomic
from idc.metrics.bootstrap import Bootstrap
from idc.metrics.scores import SCORE_DESCRIPTIONS, evaluate
from idc.runs.run import Run
from idc.settings.training_config import PRESETS

CARD_FILE, LICENCE_FILE = "README.md", "LICENSE.md"
_SCORES = (
    "roc_auc",
    "average_precision",
    "balanced_accuracy",
    "sensitivity",
    "specificity",
    "f1",
    "accuracy",
)


def write_hub_folder(run: Run, folder: Path, *, licence: str = NO_LICENCE) -> None:
    """Write the folder, whole or not at all.

    The card is read again by `huggingface_hub`, which checks its metadata and scores. (Its
    ``ModelCard.validate`` sends the card to a server, and is not used.)

    Raises:
        ConfigError: the folder exists, its parent does not, or a package is missing.
        IdcError: weights, predictions or data are missing or damaged; the card is refused.
        OSError: it cannot be written.
    """
    require_packages("--hub", "huggingface_hub")
    for name, made in FORMATS.items():
        made.require(name)
    if folder.exists():
        raise ConfigError(f"'{folder}' exists; name a folder that does not.")
    if not folder.parent.is_dir():
        raise ConfigError(f"There is no folder '{folder.parent}'; create it, or choose another.")
    results = saved_results(run)
    hidden = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.new")
    try:
        hidden.mkdir()
        descriptions = [
            write_model_file(run, name, hidden / f"model{made.suffix}", licence=licence)
            for name, made in FORMATS.items()
        ]
        card = model_card(run, results, descriptions, licence)
        check_card(card)
        (hidden / CARD_FILE).write_bytes(card.encode())
        (hidden / LICENCE_FILE).write_bytes(_licence_text(licence).encode())
        for path in hidden.iterdir():
            atomic.sync_file(path)
        hidden.rename(folder)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
    atomic.sync_folder(folder.parent)


def model_card(run: Run, results: Results, descriptions: list[dict[str, Any]], licence: str) -> str:
    """The card: metadata in YAML, then Markdown.

    Args:
        descriptions: of the model files, from `idc.export.model_file.write_model_file`.
    """
    from huggingface_hub import EvalResult, ModelCardData

    scores = _scores(results)
    stated = {"license": licence}
    if licence == NO_LICENCE:
        stated |= {"license_name": "not-stated", "license_link": LICENCE_FILE}
    data = ModelCardData(
        **stated,
        library_name="keras",
        pipeline_tag="image-classification",
        tags=["histopathology", "idc-lab"],
        metrics=["roc_auc", "accuracy", "f1"],
        model_name=_plain(run.title),
        eval_results=[
            EvalResult(
                task_type="image-classification",
                dataset_type="image-folder",
                dataset_name=_plain(f"{run.config.data}, {results.part} part"),
                metric_type=score["name"],
                metric_name=score["title"],
                metric_value=score["value"],
            )
            for score in scores
            if score["value"] == score["value"]  # nan: undefined
        ],
    )
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # the filter below writes Markdown
    )
    environment.filters |= {"markdown": markdown_text, "python": python_literal}
    text = environment.get_template("hub_card.jinja").render(
        title=run.title,
        preset=PRESETS[run.config.preset],
        description=descriptions[0],
        files=descriptions,
        classes=run.description().class_names,
        scale=run.description().scale_text(),
        scores=scores,
        part=results.part,
        threshold=results.threshold,
        patches=len(results.y_true),
        cases=len(set(results.cases.tolist())),
        has_cases=run.description().has_cases,
        data=run.config.data,
        settings=run.config.to_json(),
        limits=LIMITS,
        licence=licence,
        no_licence=licence == NO_LICENCE,
    )
    return f"---\n{data.to_yaml()}\n---\n\n{text}"


def check_card(card: str) -> None:
    """Read a card as `huggingface_hub` does, which checks its metadata and scores.

    Raises:
        DataError: it is refused, or would be read otherwise than it was written.
    """
    from huggingface_hub import ModelCard
    from yaml import YAMLError

    try:
        read = ModelCard(card)
        again = ModelCard(str(read))
    except (ValueError, TypeError, KeyError, YAMLError) as error:
        raise DataError(f"Hugging Face's reader refuses the model card: {error}") from error
    if not read.data.to_dict() or again.data.to_dict() != read.data.to_dict():
        raise DataError("Hugging Face's reader reads no metadata in the model card.")


def _scores(results: Results) -> list[dict[str, Any]]:
    report = evaluate(results.y_true, results.y_prob, results.threshold)
    bootstrap = Bootstrap(results.y_true, results.y_prob, results.cases)
    intervals = bootstrap.intervals(report.threshold)
    return [
        {
            "name": name,
            "title": SCORE_DESCRIPTIONS[name][0],
            "value": float(getattr(report, name)),
            "text": intervals[name].text(),
        }
        for name in _SCORES
    ]


def _plain(text: str) -> str:
    """Free text for metadata: printable, on one line, without tags."""
    return html.escape(" ".join("".join(c if c.isprintable() else " " for c in text).split()))


def _licence_text(licence: str) -> str:
    if licence == NO_LICENCE:
        return (
            "# Licence\n\nNo licence is stated. Whoever publishes this folder states one here and "
            "in README.md, and makes sure that the licence of the training data allows it.\n"
        )
    return f"# Licence\n\nSPDX identifier: {markdown_text(licence)}\n"
