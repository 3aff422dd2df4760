"""Free text in generated code and Markdown is shown, and never becomes code."""

import ast
import base64
import zlib

import numpy as np
import pytest

from idc.export.literals import markdown_text, packed_literal, python_literal, python_name

HOSTILE = [
    'dog"""\nimport os',
    "dog'''\r# %%\rimport os",
    "\u2028import os\x0b\x0c\x00",
    "\\",
    "{{ config }}{% raw %}",
    "\ud800 🙂 é",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_one_ascii_literal_of_itself(text):
    literal = python_literal([text, text])

    assert ast.literal_eval(literal) == [text, text]
    assert literal.isascii() and literal.isprintable()


@pytest.mark.parametrize(
    "value",
    [
        list(range(200)),
        {"train": [str(n) for n in range(200)], "test": []},
        {"epoch 1": [{"val_loss": 0.1, "val_roc_auc": float(n)} for n in range(9)]},
    ],
    ids=["numbers", "cases", "epochs"],
)
def test_long_value_is_wrapped_within_a_hundred_columns(value):
    literal = python_literal(value)

    assert ast.literal_eval(literal) == value
    assert max(map(len, literal.split("\n"))) <= 100


def test_numpy_values_become_plain_numbers():
    assert python_literal({"a": np.float64(0.5), "b": np.arange(2), "c": (np.int8(1),)}) == (
        '{"a": 0.5, "b": [0, 1], "c": [1]}'
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a\n\n# b", r"a \# b"),
        ("<script>", r"&lt;script&gt;"),
        ("[x](javascript:y)", r"\[x\]\(javascript\:y\)"),
        ("`a` **b** $c$", r"\`a\` \*\*b\*\* \$c\$"),
        ("- a-b 0.5", r"\- a-b 0.5"),
        ("1. www.a.org", r"1\. www\.a.org"),
        ("a\u2028b\x00c\u202ed", "a b c d"),
        ("\ud800", ""),
    ],
    ids=["plain", "lines", "tag", "link", "marks", "rule", "list", "controls", "surrogate"],
)
def test_markdown_shows_text_on_one_line(text, shown):
    assert markdown_text(text) == shown


def test_packed_bytes_unpack_from_their_literal():
    values = np.random.default_rng(0).integers(0, 4, 5_000).astype(np.uint8)

    literal = packed_literal(values)

    packed = ast.literal_eval(literal)
    assert np.array_equal(
        np.frombuffer(zlib.decompress(base64.b64decode(packed)), np.uint8), values
    )
    assert max(map(len, literal.split("\n"))) <= 100


@pytest.mark.parametrize(
    ("text", "name"), [("fast", "fast"), ("yours-2x1", "yours_2x1"), ("3 a", "_3_a")]
)
def test_text_becomes_a_variable_name(text, name):
    assert python_name(text) == name
