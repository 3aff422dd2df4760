"""The quota of uploads: how much each session keeps on the server."""

from idc.server.quotas import Quota, StorageUsage
from idc.server.streamlit_internals import uploaded_file_sizes


def usage_by_session() -> dict[str, StorageUsage]:
    """What each session keeps, by its id."""
    return {
        session: StorageUsage(len(sizes), sum(sizes))
        for session, sizes in uploaded_file_sizes().items()
    }


quota = Quota(usage_by_session)
