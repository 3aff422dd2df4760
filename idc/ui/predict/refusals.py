"""The file uploader's key, and the sentence for a visitor whose upload was refused."""

import streamlit as st

from idc.server.streamlit_internals import current_session_id, remove_uploaded_files
from idc.server.upload_usage import quota
from idc.ui.shared.formatting import escape_markdown, file_count

_KEY, _NUMBER = "upload", "upload_number"


def uploader_key() -> str:
    """The key of the file uploader; another one once its files were removed."""
    number = st.session_state.get(_NUMBER, 0)
    return f"{_KEY}-{number}" if number else _KEY


def remove_uploads() -> None:
    """Remove all that this visitor keeps, and begin with an empty uploader."""
    session = current_session_id()
    remove_uploaded_files(session)
    quota.forget_refusal(session)
    st.session_state[_NUMBER] = st.session_state.get(_NUMBER, 0) + 1


def show_upload_refusal() -> None:
    """Say why an upload was refused. The uploader itself shows no more than a number, 413."""
    session = current_session_id()
    sentence = quota.refusal(session)
    if not sentence:
        return
    kept = quota.usage_of(session)
    st.error(escape_markdown(sentence), icon=":material/error:")
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Remove my files", key="remove_uploads", icon=":material/delete:"):
            remove_uploads()
            st.rerun()
        if st.button("Dismiss", key="dismiss_refusal", type="tertiary"):
            quota.forget_refusal(session)
            st.rerun()
        st.caption(f"You keep {file_count(kept.files)}, {kept.bytes / 10**6:,.1f} MB.")
