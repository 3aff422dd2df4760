"""What visitors keep on the server, and the sentence for one who finds no room."""

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from idc.quotas import Kept, Quota
from idc.ui.words import plain

_KEY, _NUMBER = "upload", "upload_number"


def kept_uploads() -> dict[str, Kept]:
    """What each session keeps, by its id. Streamlit forgets a session's files when it ends."""
    if not runtime.exists():
        return {}
    stored = getattr(runtime.get_instance().uploaded_file_mgr, "file_storage", {})
    return {
        session: Kept(len(files), sum(len(file.data) for file in list(files.values())))
        for session, files in list(stored.items())
    }


quota = Quota(kept_uploads)


def is_session(session: str) -> bool:
    """Whether somebody has a page open under that id. Outside of a server nobody can tell: True."""
    return not runtime.exists() or runtime.get_instance().is_active_session(session)


def uploader_key() -> str:
    """The key of the file uploader; another one once its files were removed."""
    number = st.session_state.get(_NUMBER, 0)
    return f"{_KEY}-{number}" if number else _KEY


def remove_uploads() -> None:
    """Remove all that this visitor keeps, and begin with an empty uploader."""
    session = _session()
    if runtime.exists():
        runtime.get_instance().uploaded_file_mgr.remove_session_files(session)
    quota.forget_refusal(session)
    st.session_state[_NUMBER] = st.session_state.get(_NUMBER, 0) + 1


def show_again(session: str) -> None:
    """Run a session's page again, so that it says why an upload was refused.

    A refused file is no event for Streamlit, and a fragment that looks every second or two now and
    then swallows the run that the accepted files ask for.
    """
    if not runtime.exists():
        return
    sessions = getattr(runtime.get_instance(), "_session_mgr", None)
    found = sessions.get_session_info(session) if sessions else None
    if found is not None:
        found.session.request_rerun(None)


def uploads_refused() -> None:
    """Say why an upload was refused. The uploader itself shows no more than a number, 413."""
    session = _session()
    sentence = quota.refusal(session)
    if not sentence:
        return
    kept = quota.kept_by(session)
    st.error(plain(sentence), icon=":material/error:")
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Remove my files", key="remove_uploads", icon=":material/delete:"):
            remove_uploads()
            st.rerun()
        if st.button("Dismiss", key="dismiss_refusal", type="tertiary"):
            quota.forget_refusal(session)
            st.rerun()
        st.caption(f"You keep {_files(kept.files)}, {kept.bytes / 10**6:,.1f} MB.")


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"


def _session() -> str:
    context = get_script_run_ctx()
    return context.session_id if context else ""
