"""Kaggle credentials: enter, list and delete them.

Credentials are sent to Kaggle for verification and stored in a file that only its owner can read.
The form clears itself, and no page shows them again.
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
from idc.ui.shared.guard import guarded

_TOKEN, _FILE, _OUTCOME = "kaggle_token", "kaggle_json", "kaggle_told"


def kaggle_form(*, expanded: bool) -> None:
    """A form for a token or a ``kaggle.json``."""
    with st.expander("Kaggle credentials (only if Kaggle requires them)", expanded=expanded):
        st.markdown(
            f"Create a token in [your Kaggle settings]({NEW_TOKEN_PAGE}), then paste it, or upload "
            "a kaggle.json. IDC Lab verifies it with Kaggle and stores it on this computer, where "
            "Kaggle's own tools find it. Only the owner of the file can read it, and no page shows "
            "it again."
        )
        with st.form("kaggle", border=False, clear_on_submit=True):
            st.text_input("Token", type="password", autocomplete="off", max_chars=500, key=_TOKEN)
            st.file_uploader("or kaggle.json", type="json", max_upload_size=1, key=_FILE)
            # In a callback, so that the token leaves the session before the page is drawn.
            st.form_submit_button(
                "Check and store",
                icon=":material/key:",
                key="store_kaggle",
                on_click=guarded(_submit),
            )
        if outcome := st.session_state.pop(_OUTCOME, None):
            accepted, sentence = outcome
            (st.success if accepted else st.error)(
                escape_markdown(sentence), icon=f":material/{'check' if accepted else 'error'}:"
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
        raise DownloadError("Paste a token or choose a kaggle.json.")
    if len(file) > MAX_LOGIN_BYTES:
        raise DownloadError("This file is too large to be a kaggle.json.")
    return file.decode("utf-8", errors="replace")


def _check_and_store(text: str) -> str:
    from idc.ingest.kaggle import check_login  # imports an HTTP library

    login = parse_login(text)
    username = check_login(login)
    return (
        f"Kaggle accepted the credentials of {username}. They are stored in {store_login(login)}."
    )


def _stored_credentials() -> None:
    for name in login_variables():
        st.caption(f"The environment variable {name} is set on this computer.")
    if stored := stored_logins():
        st.caption("Stored: " + ", ".join(escape_markdown(str(path)) for path in stored))
        st.button(
            "Delete them",
            icon=":material/delete:",
            key="forget_kaggle",
            on_click=guarded(forget_login),
        )
