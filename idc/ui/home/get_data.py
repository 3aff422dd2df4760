"""Download the real data set: the offer, the progress and the result."""

import shutil
from itertools import chain, count

import streamlit as st

from idc.datasets.store import list_stores
from idc.errors import DataError
from idc.files.home import home_dir
from idc.ingest.download import (
    DownloadJob,
    DownloadStatus,
    discard_download,
    download_status,
    forget_download,
    fraction_done,
    full_set_size,
    phase_text,
    request_stop,
    resume_download,
    start_download,
    stop_requested,
)
from idc.patches import PATCH_SIZE_PX
from idc.ui.home.kaggle_form import kaggle_form
from idc.ui.shared.formatting import escape_markdown
from idc.ui.shared.guard import error_sentences, guarded, guarded_fragment
from idc.ui.shared.pickers import cached_store
from idc.wording import format_bytes

_REDRAW_EVERY_S = 1.0

# Estimate shown before Kaggle reports the size: 18,129 real patches have 5,824 bytes on average,
# the zip holds each of the 277,524 twice, and each member adds about 200 bytes.
_ZIP_BYTES = 3.3e9
_PAGE = "https://www.kaggle.com/datasets/paultimothymooney/breast-histopathology-images"


def get_data() -> None:
    """Show the download button, the running download or its result."""
    with error_sentences():
        status = download_status()
        if status is None:
            if _is_installed():
                st.success("Already installed.", icon=":material/check:")
            else:
                _offer()
            return
        live = status.live
        guarded_fragment(_watch, run_every=_REDRAW_EVERY_S if live else None, key="get")(live)


def _offer() -> None:
    st.markdown(
        f"[Breast Histopathology Images]({_PAGE}) (CC0, public): {full_set_size():,} patches "
        "of 279 slides. IDC Lab downloads the zip from Kaggle, verifies it and packs it. Normally "
        "no account is needed."
    )
    store_bytes = full_set_size() * PATCH_SIZE_PX**2 * 3
    st.caption(
        f"Download: about {format_bytes(_ZIP_BYTES)}. Disk space: about "
        f"{format_bytes(_ZIP_BYTES + store_bytes)} during packing, {format_bytes(store_bytes)} "
        f"afterwards; {format_bytes(_free_bytes())} are free. The download continues when you "
        "leave this page and resumes after an interruption."
    )
    keep_zip = st.checkbox("Keep the zip after packing", key="keep_zip")
    if st.button(
        "Get the real data set", icon=":material/download:", key="get_data", width="stretch"
    ):
        start_download(DownloadJob(_free_name(), keep_zip))
        st.rerun()
    kaggle_form(expanded=False)


def _watch(was_live: bool) -> None:
    with error_sentences():
        status = download_status()
        if status is None or status.live != was_live:
            st.rerun()  # the whole page: it lists the new data set or shows the offer again
        if status.live:
            _show_progress(status)
        elif status.state == "done":
            _show_result(status)
        else:
            _show_interruption(status)


def _show_progress(status: DownloadStatus) -> None:
    st.markdown(
        f"Downloading as **{escape_markdown(status.name)}**. You can leave this page; the download "
        "continues."
    )
    st.progress(fraction_done(status), text=phase_text(status))
    if status.reason:
        st.caption(escape_markdown(status.reason) + f". {format_bytes(status.here)} are kept.")
    if stop_requested():
        st.caption("Stopping. The part downloaded so far is kept.")
        return
    st.button(
        "Stop",
        icon=":material/pause:",
        key="stop_download",
        on_click=guarded(request_stop),
        help="Keeps the part downloaded so far. You can resume later.",
    )


def _show_result(status: DownloadStatus) -> None:
    st.success(
        f"The real data set is installed as **{escape_markdown(status.name)}**. "
        f"{escape_markdown(status.reason)}",
        icon=":material/check:",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link(
            "../../pages/dataset.py",
            label="Explore it",
            icon=":material/grid_view:",
            query_params={"data": status.name},
        )
        st.button("Dismiss", key="dismiss_download", on_click=guarded(forget_download))


def _show_interruption(status: DownloadStatus) -> None:
    if status.state == "failed":
        st.error(escape_markdown(status.reason), icon=":material/error:")
    else:
        st.warning(escape_markdown(status.reason), icon=":material/pause_circle:")
    if status.total and status.here:
        st.progress(
            min(status.here / status.total, 1.0),
            text=f"{format_bytes(status.here)} of {format_bytes(status.total)} downloaded",
        )
    with st.container(horizontal=True):
        resume = st.button("Resume", type="primary", icon=":material/resume:", key="go_on")
        st.button(
            "Discard",
            icon=":material/delete:",
            key="give_up",
            on_click=guarded(discard_download),
            help="Deletes the part downloaded so far.",
        )
    if resume:
        resume_download(_free_name(status.name))
        st.rerun()
    if status.needs_login:
        kaggle_form(expanded=True)


def _is_installed() -> bool:
    return any(_is_full(name) for name in list_stores())


def _is_full(name: str) -> bool:
    try:
        return len(cached_store(name)) == full_set_size()
    except DataError:
        return False  # damaged; its entry on Home shows the error


def _free_name(name: str = "idc") -> str:
    taken = list_stores()
    names = chain([name], (f"{name}-{number}" for number in count(2)))
    return next(name for name in names if name not in taken)


def _free_bytes() -> int:
    folder = home_dir()
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
