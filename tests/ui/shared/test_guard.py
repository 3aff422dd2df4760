"""Every page, fragment and callback shows its errors as sentences."""

import ast
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parents[3]
GUARD = ROOT / "idc" / "ui" / "shared" / "guard.py"
FRAME = ROOT / "idc" / "ui" / "main.py"
DRAWN = sorted({*(ROOT / "idc" / "ui").rglob("*.py"), *(ROOT / "pages").glob("*.py")} - {GUARD})
CALLBACKS = {"on_click", "on_change", "on_select", "on_submit", "on_dismiss"}
MODES = {"ignore", "rerun"}  # strings that Streamlit takes instead of a callback
UNGUARDED_RERUNS = {"fragment", "dialog", "experimental_fragment", "experimental_dialog"}


def breaches(source: str) -> list[str]:
    """Fragments, dialogs and callbacks in a module that lack the guard, as source code."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in UNGUARDED_RERUNS:
            found.append(ast.unparse(node))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("streamlit"):
            found += [alias.name for alias in node.names if alias.name in UNGUARDED_RERUNS]
        elif isinstance(node, ast.keyword) and node.arg in CALLBACKS and not guards(node.value):
            found.append(f"{node.arg}={ast.unparse(node.value)}")
    return found


def guards(value: ast.expr) -> bool:
    """Whether the value of a callback argument is guarded, or is no callback."""
    if isinstance(value, ast.IfExp):
        return guards(value.body) and guards(value.orelse)
    if isinstance(value, ast.Constant):
        return value.value is None or value.value in MODES
    return isinstance(value, ast.Call) and ast.unparse(value.func) == "guarded"


@pytest.mark.parametrize("path", DRAWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_fragment_or_callback_without_guard(path):
    assert breaches(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import streamlit as st\n@st.fragment\ndef draw(): pass",
        "from streamlit import fragment",
        "st.fragment(draw, run_every=1)()",
        "@st.dialog('Delete')\ndef ask(): pass",
        "st.button('Go', on_click=save)",
        "st.button('Go', on_click=lambda: save())",
        "st.button('Go', on_click=guarded(save) if ready else other)",
    ],
)
def test_unguarded_code_is_found(source):
    assert breaches(source)


def test_the_frame_guards_every_page():
    run_calls = [
        line.strip()
        for line in FRAME.read_text(encoding="utf-8").splitlines()
        if "current.run" in line
    ]

    assert run_calls == ["guarded(current.run)()"]


@pytest.fixture
def log(caplog, expected_page_errors) -> Iterator[pytest.LogCaptureFixture]:
    """The log, in a test that makes pages fail on purpose."""
    with caplog.at_level(logging.ERROR, "idc.ui.shared.guard"):
        yield caplog


def fragment_that_fails(error_name: str) -> None:
    import builtins

    import streamlit as st

    import idc.errors
    from idc.ui.shared.guard import guarded_fragment

    @guarded_fragment
    def draw() -> None:
        st.write("before")
        kind = getattr(builtins, error_name, None) or getattr(idc.errors, error_name)
        raise kind("a *secret*")

    draw()
    st.write("after")


def test_expected_error_in_fragment_is_shown_literally(log):
    at = AppTest.from_function(fragment_that_fails, args=("DataError",)).run()

    assert [error.value for error in at.error] == ["a \\*secret\\*"]
    assert not at.exception
    assert [element.value for element in at.markdown] == ["before", "after"]
    assert not log.records


def test_bug_in_fragment_is_logged_under_shown_reference(log):
    at = AppTest.from_function(fragment_that_fails, args=("KeyError",)).run()

    (record,) = log.records
    (shown,) = at.error
    assert not at.exception
    assert "secret" not in shown.value
    assert record.args[0] in shown.value
    assert record.exc_info[0] is KeyError


def callback_that_fails() -> None:
    import streamlit as st

    from idc.ui.shared.guard import guarded

    def fail() -> None:
        raise IsADirectoryError(21, "Is a directory", "log.jsonl")

    st.button("Go", on_click=guarded(fail))
    st.write("page")


def test_system_error_in_callback_names_the_file(log):
    at = AppTest.from_function(callback_that_fails).run()

    at.button[0].click().run()

    assert not at.exception
    assert at.error[0].value.startswith(
        "'log.jsonl' cannot be read or written \\(Is a directory\\)"
    )
    assert at.markdown[0].value == "page"


def page_that_stops_and_reruns() -> None:
    import streamlit as st

    from idc.ui.shared.guard import guarded

    @guarded
    def page() -> None:
        st.session_state.runs = st.session_state.get("runs", 0) + 1
        if st.session_state.runs == 1:
            st.rerun()
        st.stop()

    page()
    st.write("not reached")


def test_rerun_and_stop_pass_the_guard(log):
    at = AppTest.from_function(page_that_stops_and_reruns).run()

    assert at.session_state.runs == 2
    assert not at.markdown
    assert not at.error
    assert not log.records


def test_fragment_is_drawn_alone_in_a_container():
    def page():
        import streamlit as st

        from idc.ui.shared.guard import guarded_fragment

        @guarded_fragment
        def draw(text: str) -> None:
            st.markdown(text)

        st.markdown("above")
        draw("inside")
        st.markdown("below")

    main = AppTest.from_function(page).run().main

    assert [main.children[at].value for at in (0, 2)] == ["above", "below"]
    # The container, the fragment's own block, and what the fragment draws.
    (fragment,) = main.children[1].children.values()
    assert [element.value for element in fragment.children.values()] == ["inside"]
