"""Names, notes and addresses in the URL are shown literally: no Markdown and no links."""

import re
import shutil
from collections.abc import Iterator

import pytest
from google.protobuf.message import Message
from streamlit.testing.v1 import AppTest

from idc.runs.notes import RunNotes, write_notes
from tests.support.app_pages import open_page
from tests.support.evaluated_run import evaluated_run

HOSTILE = "www.evil.org http://evil.org a@evil.org [x](//evil.org) **b** :red[c] <i>"
LINKED = re.compile(r"www\.evil|http://evil|a@evil|(?<!\\)\[x|(?<!\\)\*\*b|(?<!\\):red|(?<!\\)<i>")
# Fields that the browser shows as plain text.
PLAIN_FIELDS = {
    "id",
    "key",
    "value",
    "default",
    "options",
    "placeholder",
    "url",
    "json",
    "query_string",
    "raw_value",
    "raw_values",
    "alt",
    "file_name",
    "element_id",
}


def _markdown_texts(message: Message, path: str = "") -> Iterator[tuple[str, str]]:
    """(field, text) of every string in an element that the browser may read as Markdown."""
    for field, value in message.ListFields():
        if field.name in PLAIN_FIELDS or field.type == field.TYPE_BYTES:
            continue
        name = f"{path}.{field.name}"
        for item in value if field.is_repeated else [value]:
            if field.type == field.TYPE_MESSAGE:
                if isinstance(item, Message):  # entries of maps are plain data
                    yield from _markdown_texts(item, name)
            elif isinstance(item, str):
                yield name, item


def _linked(at) -> list[tuple[str, str]]:
    """The texts of a page in which hostile text is not escaped."""
    tables = [("table", str(cell)) for each in at.table for cell in each.value.to_numpy().ravel()]
    tables += [("table", str(name)) for each in at.table for name in each.value.columns]
    tables += [("table", str(name)) for each in at.table for name in each.value.index]
    texts = [found for node in _nodes(at._tree) for found in _markdown_texts(node)]
    # Plotly reads tags, but no Markdown and no addresses.
    return [
        (field, text)
        for field, text in [*texts, *tables]
        if ("<i>" in text if field.endswith(".spec") else LINKED.search(text))
    ]


def _nodes(block) -> Iterator[Message]:
    if isinstance(getattr(block, "proto", None), Message):
        yield block.proto
    for child in getattr(block, "children", {}).values():
        yield from _nodes(child)


@pytest.mark.parametrize(
    "page",
    [
        "home",
        "dataset",
        "slides",
        "train",
        "evaluate",
        "predict",
        "labels",
        "compare",
        "leakage",
        "how_it_works",
        "build",
        "play",
    ],
)
def test_hostile_names_and_notes_are_escaped_on_every_page(home, page):
    run = evaluated_run(name=HOSTILE)
    write_notes(run.folder, RunNotes(HOSTILE, HOSTILE))
    runs = [run.id, f"{run.id}-copy"]
    shutil.copytree(run.folder, run.folder.with_name(runs[1]))

    chosen = open_page(page, query={"data": "tiny", "run": runs if page == "compare" else run.id})
    missing = open_page(page, query={"data": HOSTILE, "run": HOSTILE, "patch": HOSTILE})

    assert not chosen.exception and not missing.exception
    assert _linked(chosen) == [] and _linked(missing) == []


def test_scan_finds_text_that_is_not_escaped():
    at = AppTest.from_string(
        f"import streamlit as st\nst.markdown({HOSTILE!r})\nst.button({HOSTILE!r})\n"
        f"st.table({{'a': [{HOSTILE!r}]}})\nst.selectbox('a', [{HOSTILE!r}])"
    ).run()

    assert [field for field, _ in _linked(at)] == [".body", ".label", "table"]
