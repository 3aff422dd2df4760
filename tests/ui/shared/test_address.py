"""idc.ui.shared.address: an outdated address does not undo later actions."""

from streamlit.testing.v1 import AppTest

FIRST, SECOND, OTHER = "first", "second", "other"


def script():
    import streamlit as st

    from idc.ui.shared import address

    address.start_visit(st.session_state["page"])
    for value in st.session_state["written"]:
        address.remember("part", value)
    if "expected" in st.session_state:
        address.accept_again("part", st.session_state["expected"])
    values = ("first", "second", "other")
    outdated = [value for value in values if address.is_outdated("part", value)]
    st.session_state["outdated"] = outdated
    st.session_state["latest"] = address.latest("part")


def after(*written, page="here", **more):
    at = AppTest.from_function(script, default_timeout=300)
    at.session_state["page"], at.session_state["written"] = page, written
    for name, value in more.items():
        at.session_state[name] = value
    return at.run()


def outdated(at):
    return at.session_state["outdated"]


def test_replaced_value_is_outdated_and_an_unknown_one_is_not():
    at = after(FIRST, SECOND)

    assert outdated(at) == [FIRST]
    assert at.session_state["latest"] == SECOND


def test_value_written_again_is_not_outdated():
    assert outdated(after(FIRST, SECOND, FIRST)) == [SECOND]


def test_nothing_is_recorded_at_first():
    at = after()

    assert outdated(at) == []
    assert at.session_state["latest"] is None


def test_nothing_is_outdated_after_a_visit_to_another_page():
    at = after(FIRST, SECOND)
    at.session_state["page"], at.session_state["written"] = "there", ()
    at.run()
    at.session_state["page"] = "here"
    at.run()

    assert outdated(at) == []


def test_value_that_the_script_accepts_again_is_not_outdated():
    assert outdated(after(FIRST, OTHER, SECOND, expected=FIRST)) == [OTHER]


def test_nothing_is_outdated_after_the_back_button(monkeypatch):
    from idc.ui.shared import address

    monkeypatch.setattr(address, "is_history_navigation", lambda: True)

    assert outdated(after(FIRST, SECOND)) == []
