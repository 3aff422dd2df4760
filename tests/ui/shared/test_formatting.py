"""idc.ui.shared.formatting: text written by visitors is escaped."""

import pytest

from idc.ui.shared.formatting import escape_markdown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("20261123-2206-fast", "20261123-2206-fast"),  # unchanged where no character has a meaning
        ("*a* [b](c) $d$ :red[e]", r"\*a\* \[b\]\(c\) \$d\$ \:red\[e\]"),
        ("&lt;b&gt;", r"\&lt;b\&gt;"),
        ("good\n---", "good\n\\---"),
        ("good\n===", "good\n\\==="),
        ("see HTTPS://a.b/c", "see HTTPS\u2060\\://a.b/c"),
        ("www.a.b or me@a.b", "www\u2060.a.b or me\u2060@a.b"),
        ("- a\n 1. one\n2.5 two", "\\- a\n 1\\. one\n2\\.5 two"),
    ],
)
def test_escaped_text_is_shown_literally(text, shown):
    assert escape_markdown(text) == shown
