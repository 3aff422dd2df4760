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
from idc.ui.shared.formatting import escape_markdown

_TOKEN, _FILE, _OUTCOME = "kaggle_token", "kaggle_json", "kaggle_told"


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
                "Check and store", icon=":material/key:", key="store_kaggle", on_click=_submit
            )
        if outcome := st.session_state.pop(_OUTCOME, None):
            good, sentence = outcome
            (st.success if good else st.error)(
                escape_markdown(sentence), icon=f":material/{'check' if good else 'error'}:"
            )
        _stored_credentials()


def _submit() -> None:
    token, file = st.session_state[_TOKEN], st.session_state[_FILE]
    st.session_state[_TOKEN] = ""
    try:
        outcome = True, _check_and_store(_credentials_text(token, file.getvalue() if file else b""))
    except IdcError as error:
        outcome = False, str(error)
    st.session_state[_OUTCOME] = outcome


def _credentials_text(token: str, file: bytes) -> str:
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


def _stored_credentials() -> None:
    for name in login_variables():
        st.caption(f"The environment variable {name} is set on this computer.")
    if stored := stored_logins():
        st.caption("Stored: " + ", ".join(escape_markdown(str(path)) for path in stored))
        st.button(
            "Forget them", icon=":material/delete:", key="forget_kaggle", on_click=forget_login
        )
