"""Text that others wrote, as Python literals and as Markdown: it can neither end nor begin code.

Names of classes, cases and runs are free text. In code they appear as ASCII literals on one line,
in Markdown with every special character escaped, on one line.
"""

import base64
import html
import re
import unicodedata
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

_LINE_WIDTH = 92
# At the start "-" and "1." begin lists; "www." becomes a link, as what holds ":" or "@".
_MARKDOWN_SPECIAL = re.compile(r"(?i)([\\`*_{}\[\]()#!|~$:@]|^[-+=]|(?<=www)\.|(?<=^\d)\.)")


def python_literal(value: Any) -> str:
    """A value as ASCII Python source, one line unless it is a long list or dictionary."""
    plain = _plain(value)
    if isinstance(plain, str):
        return _quoted(plain)
    text = _one_line(plain)
    return text if len(text) <= _LINE_WIDTH else _wrapped(plain)


def python_name(text: str) -> str:
    """A text of our own, such as a layer's name, as a variable name."""
    name = re.sub(r"\W", "_", text, flags=re.ASCII)
    return f"_{name}" if name[:1].isdigit() else name


def markdown_text(text: str) -> str:
    """Free text as Markdown and HTML that show it literally, on one line."""
    printable = "".join(c if _is_printable(c) else " " for c in text)
    return _MARKDOWN_SPECIAL.sub(r"\\\1", html.escape(" ".join(printable.split()), quote=False))


def packed_literal(values: np.ndarray) -> str:
    """Bytes as compressed text: a literal over several lines, in parentheses.

    Args:
        values: uint8, shape (n,). `idc/export/templates/split.jinja` holds the inverse.
    """
    text = base64.b64encode(zlib.compress(values.tobytes(), 9)).decode("ascii")
    lines = [text[at : at + _LINE_WIDTH] for at in range(0, len(text), _LINE_WIDTH)]
    return "\n".join(["(", *(f'    "{line}"' for line in lines), ")"])


def _is_printable(character: str) -> bool:
    return character == " " or unicodedata.category(character)[0] not in "CZ"


def _plain(value: Any) -> Any:
    """NumPy's scalars, arrays and tuples as Python's own numbers and lists."""
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, str) or not isinstance(value, Sequence):
        return value
    return [_plain(item) for item in value]


def _quoted(text: str) -> str:
    literal = ascii(text)
    if literal[0] == "'" and '"' not in literal:
        return f'"{literal[1:-1]}"'
    return literal


def _one_line(plain: Any) -> str:
    if isinstance(plain, str):
        return _quoted(plain)
    if isinstance(plain, list):
        return f"[{', '.join(map(_one_line, plain))}]"
    if isinstance(plain, dict):
        items = [f"{_one_line(key)}: {_one_line(item)}" for key, item in plain.items()]
        return f"{{{', '.join(items)}}}"
    return ascii(plain)


def _wrapped(plain: Any) -> str:
    """A list or dictionary over several lines."""
    if isinstance(plain, dict):
        items = [f"{_one_line(key)}: {python_literal(item)}," for key, item in plain.items()]
        lines = "\n".join(items).split("\n")
        return "\n".join(["{", *(f"    {line}" for line in lines), "}"])
    if not isinstance(plain, list):
        return _one_line(plain)
    lines, room = ["["], 0
    for text in (f"{_one_line(item)}," for item in plain):
        if len(text) + 1 > room:
            lines.append(f"    {text}")
            room = _LINE_WIDTH - len(lines[-1])
        else:
            lines[-1] += f" {text}"
            room -= len(text) + 1
    return "\n".join([*lines, "]"])
