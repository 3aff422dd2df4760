"""A paged gallery of selected patches in the order that the visitor chooses."""

import numpy as np
import streamlit as st

from idc.evaluation.patch_selection import ORDERS, select_patches
from idc.evaluation.results import Results
from idc.runs.run import Run
from idc.ui.evaluate.opened_patch import scored_grid

_TILES_A_PAGE = 30


def patch_gallery(
    run: Run,
    results: Results,
    where: np.ndarray,
    threshold: float,
    *,
    title: str,
    key: str,
    initial_order: str = "certain",
) -> None:
    """Show the selected patches.

    Args:
        where: the selected patches of the results, bool, shape (n,).
        title: Markdown.
        initial_order: a key of `idc.evaluation.patch_selection.ORDERS`.
    """
    count = int(where.sum())
    st.markdown(f"**{title}**: {count:,} {'patch' if count == 1 else 'patches'}")
    if not count:
        st.caption("No patches at this threshold.")
        return
    if results.store is None:
        st.info("The images are in the real data set, which is not installed yet.")
        st.page_link("../../pages/home.py", label="Get it on Home", icon=":material/home:")
        return
    order = st.segmented_control(
        "Order",
        list(ORDERS),
        format_func=lambda name: ORDERS[name],
        default=initial_order,
        required=True,
        key=f"{key}_order",
        label_visibility="collapsed",
    )
    table = select_patches(results, where, threshold, order)
    pages = -(-count // _TILES_A_PAGE)
    page = 1
    if pages > 1:
        # A key per selection and order, so that each starts on its first page.
        page = st.pagination(pages, key=f"{key}_page_{title}_{order}")
    shown = table.iloc[(page - 1) * _TILES_A_PAGE : page * _TILES_A_PAGE]
    scored_grid(run, results, shown, key=f"{key}_grid", label=title)
