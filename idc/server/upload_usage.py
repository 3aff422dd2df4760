"""What visitors keep on the server, and the sentence for one who finds no room."""

from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from idc.server.quotas import Quota, StorageUsage


def usage_by_session() -> dict[str, StorageUsage]:
    """What each session keeps, by its id. Streamlit forgets a session's files when it ends."""
    if not runtime.exists():
        return {}
    stored = getattr(runtime.get_instance().uploaded_file_mgr, "file_storage", {})
    return {
        session: StorageUsage(len(files), sum(len(file.data) for file in list(files.values())))
        for session, files in list(stored.items())
    }


quota = Quota(usage_by_session)


def is_open_session(session: str) -> bool:
    """Whether somebody has a page open under that id. Outside of a server nobody can tell: True."""
    return not runtime.exists() or runtime.get_instance().is_active_session(session)


def rerun_session(session: str) -> None:
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


def current_session_id() -> str:
    """The id of the session whose script runs; "" outside of a session."""
    context = get_script_run_ctx()
    return context.session_id if context else ""
