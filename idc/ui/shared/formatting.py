"""Format numbers, times, runs and errors for display."""

import contextlib
import math
import re
import time
from datetime import datetime

import streamlit as st

from idc.datasets.description import KAGGLE_DESCRIPTION, DataDescription
from idc.datasets.full_set import completeness
from idc.datasets.splits import PROTOCOLS
from idc.datasets.store import PatchStore
from idc.demo_tissue.generate import GENERATED_NOTICE
from idc.errors import RunError
from idc.runs.log import RunLog
from idc.runs.run import Run, RunStatus
from idc.settings.training_config import PRESETS

_WORD_JOINER = "\u2060"

STATE_BADGES = {
    "starting": ":gray-badge[:material/hourglass_top: starting]",
    "queued": ":violet-badge[:material/hourglass_top: queued]",
    "running": ":green-badge[:material/play_arrow: training]",
    "paused": ":orange-badge[:material/pause: paused]",
    "finished": ":blue-badge[:material/check: finished]",
    "stopped": ":orange-badge[:material/stop: stopped]",
    "interrupted": ":orange-badge[:material/bolt: interrupted]",
    "failed": ":red-badge[:material/error: failed]",
}


def escape_markdown(text: str) -> str:
    """Escape text that a visitor may have written, so that Markdown shows it literally.

    Browsers' Markdown turns bare addresses into links after it has removed the escapes, so an
    invisible character (U+2060, word joiner) separates them.
    """
    text = re.sub(r"([\\`*_{}\[\]<>()#+!|~$:&])", r"\\\1", text)
    text = re.sub(r"(?i)(https?|ftp|mailto|xmpp|www)(?=\\?[:.])|(?=@)", rf"\1{_WORD_JOINER}", text)
    # These have a meaning only at the start of a line: lists, rules, underlined headings.
    return re.sub(r"(?m)^(\s*)([-=]|\d+(?=\.))", _escaped, text)


def _escaped(start: re.Match[str]) -> str:
    indent, marker = start.groups()
    return f"{indent}{marker}\\" if marker.isdigit() else f"{indent}\\{marker}"


def format_share(value: float) -> str:
    """A share in [0, 1] as a percentage, "–" where it is undefined."""
    return "–" if value is None or math.isnan(value) else f"{value:.1%}"


def format_score(value: float | None) -> str:
    """A score in [0, 1] with three decimals, "–" where it is undefined."""
    return "–" if value is None or math.isnan(value) else f"{value:.3f}"


def class_name(label: int, description: DataDescription = KAGGLE_DESCRIPTION) -> str:
    """The name of a class {0, 1} of a data set, escaped for Markdown."""
    return escape_markdown(description.class_name(label))


def coloured_class(label: int, description: DataDescription = KAGGLE_DESCRIPTION) -> str:
    """The class in its colour and with its sign (+ or −), as the patch grid shows it."""
    name = class_name(label, description)
    return f":orange[\\+ {name}]" if label else f":blue[− {name}]"


def describe_run(run: Run, status: RunStatus) -> str:
    """One line about a run: state, preset, data set, split, epochs and start."""
    return (
        f"{STATE_BADGES[status.state]} {PRESETS[run.config.preset].title} on "
        f"**{escape_markdown(run.config.data)}**, {PROTOCOLS[run.config.protocol].lower()}, "
        f"epoch {status.epoch} of {status.epochs}, started {format_start_time(run)}"
    )


def run_heading(run: Run) -> str:
    """`describe_run` with the current status; without the status if it is damaged."""
    try:
        return describe_run(run, run.status())
    except RunError as error:
        return f":red-badge[:material/error: damaged] {escape_markdown(str(error))}"


def log_problems(log: RunLog, title: str) -> None:
    """Warn of what the log of the run with this title lacks."""
    for problem in log.problems:
        st.warning(escape_markdown(f"{title}: {problem}"), icon=":material/warning:")


def file_count(count: int) -> str:
    """ "1 file", "1,600 files"."""
    return f"{count:,} file{'' if count == 1 else 's'}"


def patch_count(count: int) -> str:
    """ "1 patch", "1,600 patches"."""
    return f"{count:,} patch{'' if count == 1 else 'es'}"


def format_start_time(run: Run) -> str:
    """When a run was created, taken from its id: "23 Nov, 22:06"."""
    with contextlib.suppress(ValueError):
        created = datetime.strptime(run.id[:15], "%Y%m%d-%H%M%S")
        return created.strftime("%d %b, %H:%M")
    return time.strftime("%d %b, %H:%M", time.localtime(run.folder.stat().st_mtime))


def metric_row(entries: list[tuple[str, str, str]]) -> None:
    """Metrics side by side, wrapped on narrow screens.

    Args:
        entries: (label, value, help text) of each metric.
    """
    with st.container(horizontal=True, gap="medium"):
        for label, value, meaning in entries:
            st.metric(label, value, help=meaning or None, width="content")


def store_origin(store: PatchStore) -> str:
    """Where a data set comes from: generated, which share of the full set it holds, or its size."""
    if store.report.generated:
        return GENERATED_NOTICE.capitalize()
    description = store.description
    if not description.is_idc_set:
        return f"Patches of {description.side_px} × {description.side_px} px, " + (
            description.scale_text()
        )
    return completeness(store.index).sentence()


def generated_note(store: PatchStore) -> str:
    """The sentence that a data set is generated tissue, "" for a real one."""
    return f"{GENERATED_NOTICE.capitalize()}." if store.report.generated else ""
