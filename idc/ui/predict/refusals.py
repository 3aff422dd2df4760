"""The file uploader's key, and the reason for a refused upload."""

import streamlit as st

from idc.server.streamlit_internals import current_session_id, remove_uploaded_files
from idc.server.upload_usage import quota
from idc.ui.shared.formatting import escape_markdown, file_count
from idc.wording import format_bytes

_KEY, _NUMBER = "upload", "upload_number"


def uploader_key() -> str:
    """The key of the file uploader, which changes when the files are removed."""
    number = st.session_state.get(_NUMBER, 0)
    return f"{_KEY}-{number}" if number else _KEY


def remove_uploads() -> None:
    """Remove all files of this visitor and reset the uploader."""
    session = current_session_id()
    remove_uploaded_files(session)
    quota.forget_refusal(session)
    st.session_state[_NUMBER] = st.session_state.get(_NUMBER, 0) + 1


def show_upload_refusal() -> None:
    """Show why an upload was refused; the uploader itself shows only the status code 413."""
    session = current_session_id()
    sentence = quota.refusal(session)
    if not sentence:
        return
    usage = quota.usage_of(session)
    st.error(escape_markdown(sentence), icon=":material/error:")
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Remove my files", key="remove_uploads", icon=":material/delete:"):
            remove_uploads()
            st.rerun()
        if st.button("Dismiss", key="dismiss_refusal", type="tertiary"):
            quota.forget_refusal(session)
            st.rerun()
        st.caption(f"Your uploads: {file_count(usage.files)}, {format_bytes(usage.bytes)}.")
