"""idc.ui.shared.pickers: a picker and the address follow each other."""

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
    """What is chosen, once picker and address agree."""
    [in_address] = at.query_params["thing"]
    assert at.selectbox(key="thing").value == in_address == at.session_state["chosen"]
    return in_address


def test_the_first_is_chosen_at_first_and_a_choice_is_in_the_address(at):
    assert chosen(at) == "a"
    assert chosen(choose(at, "b")) == "b"


def test_another_address_chooses(at):
    at.query_params["thing"] = "c"

    assert chosen(at.run()) == "c"


def test_address_of_nothing_known_changes_nothing(at):
    choose(at, "b").query_params["thing"] = "x"

    assert chosen(at.run()) == "b"


def test_choice_is_kept_though_the_browser_has_not_shown_it_yet(at):
    choose(at, "b").query_params["thing"] = "a"

    assert chosen(at.run()) == "b"


def test_the_script_chooses_also_what_was_chosen_before(at):
    choose(at, "b")

    assert chosen(at.button(key="first").click().run()) == "a"


def test_address_of_nothing_known_is_told_until_the_next_choice(at):
    assert not at.warning
    at.query_params["thing"] = "*x*"

    at.run()
    assert at.run().warning[0].value.startswith("There is no '\\*x\\*' here (any more)")
    assert not choose(at, "b").warning


def test_chosen_thing_that_went_away_is_told(at):
    choose(at, "b").session_state["titles"] = {"a": "A", "c": "C"}

    assert at.run().warning[0].value.startswith("There is no 'b' here (any more)")
    assert chosen(at) == "a"


def test_renamed_thing_stays_chosen(at):
    choose(at, "b").session_state["titles"] = {"a": "A", "b": "Bee", "c": "C"}
    at.session_state["thing"] = "B"  # the browser tells a choice by its title, here an old one

    assert chosen(at.run()) == "b"
    assert not at.warning


def test_new_title_of_the_chosen_thing_is_sent_to_the_browser(at):
    choose(at, "b").session_state["titles"] = {"a": "A", "b": "Bee", "c": "C"}

    picker = at.run().selectbox(key="thing").proto
    assert (picker.set_value, picker.raw_value) == (True, "Bee")
    assert not at.run().selectbox(key="thing").proto.set_value


def test_browser_that_missed_how_the_choice_was_set_still_shows_it(at):
    at.query_params["thing"] = "c"

    assert at.run().run().selectbox(key="thing").proto.default == 2


@pytest.fixture
def cut_off(monkeypatch):
    """A visitor acts while the page is drawn, so the script ends where it writes the address."""
    write = QueryParamsProxy.__setitem__

    def write_and_end(query, name, value):
        write(query, name, value)
        st.stop()

    with monkeypatch.context() as patch:
        patch.setattr(QueryParamsProxy, "__setitem__", write_and_end)
        return AppTest.from_function(script, default_timeout=300).run()


def test_what_an_ended_run_of_the_script_wrote_into_the_address_undoes_no_choice(cut_off):
    assert chosen(cut_off.button(key="third").click().run()) == "c"
