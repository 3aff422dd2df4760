"""idc.ui.shared.pickers: a picker and the address stay in step."""

import pytest
import streamlit as st
from streamlit.runtime.state import QueryParamsProxy
from streamlit.testing.v1 import AppTest


def script():
    import streamlit as st

    from idc.ui.shared.pickers import choose_from_titles, select_in_picker

    if st.button("first", key="first"):
        select_in_picker("thing", "a")
        st.rerun()
    if st.button("third", key="third"):
        st.session_state["thing"] = "c"
    titles = st.session_state.setdefault("titles", {"a": "A", "b": "B", "c": "C"})
    st.session_state["chosen"] = choose_from_titles("Thing", titles, key="thing")


@pytest.fixture
def at():
    return AppTest.from_function(script, default_timeout=300).run()


def choose(at, name):
    return at.selectbox(key="thing").set_value(name).run()


def chosen(at):
    """The chosen id; picker and address must agree."""
    [in_address] = at.query_params["thing"]
    assert at.selectbox(key="thing").value == in_address == at.session_state["chosen"]
    return in_address


def test_first_entry_is_the_default_and_the_address_holds_the_choice(at):
    assert chosen(at) == "a"
    assert chosen(choose(at, "b")) == "b"


def test_changed_address_changes_the_choice(at):
    at.query_params["thing"] = "c"

    assert chosen(at.run()) == "c"


def test_unknown_id_in_the_address_changes_nothing(at):
    choose(at, "b").query_params["thing"] = "x"

    assert chosen(at.run()) == "b"


def test_outdated_address_does_not_undo_the_choice(at):
    choose(at, "b").query_params["thing"] = "a"

    assert chosen(at.run()) == "b"


def test_script_can_select_an_earlier_choice_again(at):
    choose(at, "b")

    assert chosen(at.button(key="first").click().run()) == "a"


def test_unknown_id_shows_a_warning_until_the_next_choice(at):
    assert not at.warning
    at.query_params["thing"] = "*x*"

    at.run()
    assert at.run().warning[0].value.startswith("'\\*x\\*' does not exist (any more)")
    assert not choose(at, "b").warning


def test_removed_entry_shows_a_warning(at):
    choose(at, "b").session_state["titles"] = {"a": "A", "c": "C"}

    assert at.run().warning[0].value.startswith("'b' does not exist (any more)")
    assert chosen(at) == "a"


def test_renamed_entry_stays_chosen(at):
    choose(at, "b").session_state["titles"] = {"a": "A", "b": "Bee", "c": "C"}
    at.session_state["thing"] = "B"  # the browser sends the title of a choice, here an old one

    assert chosen(at.run()) == "b"
    assert not at.warning


def test_new_title_of_the_chosen_entry_is_sent_to_the_browser(at):
    choose(at, "b").session_state["titles"] = {"a": "A", "b": "Bee", "c": "C"}

    picker = at.run().selectbox(key="thing").proto
    assert (picker.set_value, picker.raw_value) == (True, "Bee")
    assert not at.run().selectbox(key="thing").proto.set_value


def test_browser_that_missed_a_run_still_shows_the_choice(at):
    at.query_params["thing"] = "c"

    assert at.run().run().selectbox(key="thing").proto.default == 2


@pytest.fixture
def cut_off(monkeypatch):
    """Streamlit ends the script run at the write to the address, as after an early click."""
    write = QueryParamsProxy.__setitem__

    def write_and_end(query, name, value):
        write(query, name, value)
        st.stop()

    with monkeypatch.context() as patch:
        patch.setattr(QueryParamsProxy, "__setitem__", write_and_end)
        return AppTest.from_function(script, default_timeout=300).run()


def test_address_written_by_an_interrupted_run_undoes_no_choice(cut_off):
    assert chosen(cut_off.button(key="third").click().run()) == "c"
