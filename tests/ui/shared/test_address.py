"""idc.ui.shared.address: an address of before does not undo what was done since."""

from streamlit.testing.v1 import AppTest

WAS, IS, OTHER = "was", "is", "other"


def script():
    import streamlit as st

    from idc.ui.shared import address

    address.start_visit(st.session_state["page"])
    for words in st.session_state["written"]:
        address.remember("part", words)
    if "expected" in st.session_state:
        address.accept_again("part", st.session_state["expected"])
    said = {words: address.is_outdated("part", words) for words in ("was", "is", "other")}
    st.session_state["outdated"] = [words for words, outdated in said.items() if outdated]
    st.session_state["latest"] = address.latest("part")


def after(*written, page="here", **more):
    at = AppTest.from_function(script, default_timeout=300)
    at.session_state["page"], at.session_state["written"] = page, written
    for name, value in more.items():
        at.session_state[name] = value
    return at.run()


def outdated(at):
    return at.session_state["outdated"]


def test_what_was_replaced_is_outdated_and_what_is_unknown_is_not():
    at = after(WAS, IS)

    assert outdated(at) == [WAS]
    assert at.session_state["latest"] == IS


def test_what_is_written_again_is_not_outdated():
    assert outdated(after(WAS, IS, WAS)) == [IS]


def test_nothing_is_known_at_first():
    at = after()

    assert outdated(at) == []
    assert at.session_state["latest"] is None


def test_who_comes_from_another_page_means_what_the_address_says():
    at = after(WAS, IS)
    at.session_state["page"], at.session_state["written"] = "there", ()
    at.run()
    at.session_state["page"] = "here"
    at.run()

    assert outdated(at) == []


def test_what_the_script_wants_read_is_not_outdated():
    assert outdated(after(WAS, OTHER, IS, expected=WAS)) == [OTHER]


def test_going_back_in_the_browser_is_meant(monkeypatch):
    from idc.ui.shared import address

    monkeypatch.setattr(address, "is_history_navigation", lambda: True)

    assert outdated(after(WAS, IS)) == []
