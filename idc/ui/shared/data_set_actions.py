"""Actions on a data set, also on a damaged one: pack again, delete and undo."""

import streamlit as st

from idc.datasets.store_trash import deleted_stores
from idc.ingest.packing_job import pack_jobs
from idc.launch.deletion import delete_data_set, restore_named
from idc.shipped.pack_again import start_packing_again
from idc.ui.shared.formatting import escape_markdown
from idc.ui.shared.guard import error_sentences
from idc.ui.shared.pickers import reset_picker, select_in_picker

_HOME = "../../pages/home.py"  # shows the progress of packing


def data_set_actions(name: str) -> None:
    """Buttons that pack a data set again and delete it."""
    packing = any(job.name == name and job.live for job in pack_jobs())
    with st.container(horizontal=True, gap="small"):
        again = st.button(
            "Pack again",
            icon=":material/refresh:",
            key=f"pack_again_{name}",
            disabled=packing,
            help="Reads its source again and replaces it. Generated tissue is generated again.",
        )
        delete = st.button(
            "Delete",
            icon=":material/delete:",
            key=f"delete_data_{name}",
            disabled=packing,
            help="Moves its folder to the trash; can be undone.",
        )
    with error_sentences():
        if again:
            start_packing_again(name)
            st.switch_page(_HOME)
        if delete:
            delete_data_set(name)
            st.session_state["deleted_data"] = name
            reset_picker("data")
            st.rerun()


def data_set_undo() -> None:
    """After a deletion: the name of the data set and an undo button."""
    name = st.session_state.get("deleted_data")
    if name is None or name not in deleted_stores():
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f":material/delete: Deleted **{escape_markdown(name)}**. It is in the trash.")
        if st.button("Undo", icon=":material/undo:", key="undo_delete_data"):
            _restore(name)


def deleted_data_sets() -> None:
    """All deleted data sets, with a button to restore one."""
    if not (deleted := deleted_stores()):
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        name = st.selectbox("Deleted data sets", deleted, key="deleted_data_sets", width=240)
        if st.button("Restore", icon=":material/restore_from_trash:", key="restore_data"):
            _restore(name)


def _restore(name: str) -> None:
    with error_sentences():
        restore_named(name, "data")
        st.session_state.pop("deleted_data", None)
        select_in_picker("data", name)
        st.rerun()
