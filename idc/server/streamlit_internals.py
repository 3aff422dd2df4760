"""Every use of a Streamlit or Starlette part that is not public; no other module imports one.

`requirements.txt` pins Streamlit to one minor version. After an update,
`tests/server/test_streamlit_internals.py` names each part that is missing or has another shape.
"""

from starlette.formparsers import MultiPartParser
from streamlit import runtime
from streamlit.components.v2.types import ComponentRenderer
from streamlit.elements.lib.mutable_expander_container import ExpanderContainer
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

__all__ = [
    "UPLOAD_ENDPOINT",
    "ComponentRenderer",
    "ExpanderContainer",
    "UploadedFile",
    "current_session_id",
    "is_history_navigation",
    "is_open_session",
    "keep_form_files_in_memory",
    "remove_uploaded_files",
    "rerun_session",
    "uploaded_file_sizes",
]

UPLOAD_ENDPOINT = "/_stcore/upload_file"  # followed by /SESSION/FILE


def current_session_id() -> str:
    """The id of the session whose script runs; "" outside of a session."""
    context = get_script_run_ctx()
    return context.session_id if context else ""


def is_history_navigation() -> bool:
    """Whether the current script run was caused by Back or Forward in the browser."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def is_open_session(session: str) -> bool:
    """Whether a page is open under this session id. Always true outside of a server."""
    return not runtime.exists() or runtime.get_instance().is_active_session(session)


def rerun_session(session: str) -> None:
    """Rerun a session's page; does nothing if the session has ended."""
    if not runtime.exists():
        return
    sessions = getattr(runtime.get_instance(), "_session_mgr", None)
    info = sessions.get_session_info(session) if sessions else None
    if info is not None:
        info.session.request_rerun(None)


def uploaded_file_sizes() -> dict[str, list[int]]:
    """Sizes in bytes of the files that Streamlit keeps, by session id.

    Streamlit deletes a session's files when the session ends.
    """
    if not runtime.exists():
        return {}
    stored = getattr(runtime.get_instance().uploaded_file_mgr, "file_storage", {})
    return {
        session: [len(file.data) for file in list(files.values())]
        for session, files in list(stored.items())
    }


def remove_uploaded_files(session: str) -> None:
    """Delete all files that Streamlit keeps for a session."""
    if runtime.exists():
        runtime.get_instance().uploaded_file_mgr.remove_session_files(session)


def keep_form_files_in_memory(max_bytes: int) -> None:
    """Parse files of forms up to this size in memory, without a temporary file.

    Starlette's default of 1 MB would write every larger upload to disk first.
    """
    MultiPartParser.spool_max_size = max_bytes
