"""Kaggle credentials: give them, see that they are there, have them forgotten.

What is typed or uploaded goes to Kaggle for a check and into a file of its owner's alone; the form
clears itself, and no page shows it again.
"""

import streamlit as st

from idc.errors import DownloadError, IdcError
from idc.ingest.kaggle_login import (
    MAX_LOGIN_BYTES,
    NEW_TOKEN_PAGE,
    forget_login,
    login_variables,
    parse_login,
    store_login,
    stored_logins,
)
from idc.ui.shared.formatting import plain

_TOKEN, _FILE, _TOLD = "kaggle_token", "kaggle_json", "kaggle_told"


def kaggle_form(*, expanded: bool) -> None:
    """A form for a token or a ``kaggle.json``."""
    with st.expander("Kaggle credentials, in case Kaggle asks", expanded=expanded):
        st.markdown(
            f"Create a token in [your Kaggle settings]({NEW_TOKEN_PAGE}), then paste it, or upload "
            "a kaggle.json. Kaggle is asked whether it is good; then it is stored on this computer "
            "where Kaggle's own tools look for it, readable for its owner alone, and never shown "
            "again."
        )
        with st.form("kaggle", border=False, clear_on_submit=True):
            st.text_input("Token", type="password", autocomplete="off", max_chars=500, key=_TOKEN)
            st.file_uploader("or kaggle.json", type="json", max_upload_size=1, key=_FILE)
            # In a callback, so that the token is gone from the session before anything is drawn.
            st.form_submit_button(
                "Check and store", icon=":material/key:", key="store_kaggle", on_click=_take
            )
        if told := st.session_state.pop(_TOLD, None):
            good, sentence = told
            (st.success if good else st.error)(
                plain(sentence), icon=f":material/{'check' if good else 'error'}:"
            )
        _what_is_set()


def _take() -> None:
    token, file = st.session_state[_TOKEN], st.session_state[_FILE]
    st.session_state[_TOKEN] = ""
    try:
        told = True, _check_and_store(_given(token, file.getvalue() if file else b""))
    except IdcError as error:
        told = False, str(error)
    st.session_state[_TOLD] = told


def _given(token: str, file: bytes) -> str:
    if token.strip():
        return token
    if not file:
        raise DownloadError("Paste a token, or choose a kaggle.json.")
    if len(file) > MAX_LOGIN_BYTES:
        raise DownloadError("This file is too large to be a kaggle.json.")
    return file.decode("utf-8", errors="replace")


def _check_and_store(text: str) -> str:
    from idc.ingest.kaggle import check_login  # costs the import of an HTTP library

    login = parse_login(text)
    username = check_login(login)
    return f"Kaggle knows these as {username}'s. They are stored in {store_login(login)}."


def _what_is_set() -> None:
    for name in login_variables():
        st.caption(f"The environment variable {name} is set on this computer.")
    if stored := stored_logins():
        st.caption("Stored: " + ", ".join(plain(str(path)) for path in stored))
        st.button(
            "Forget them", icon=":material/delete:", key="forget_kaggle", on_click=forget_login
        )
