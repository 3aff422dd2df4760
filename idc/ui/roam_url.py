"""The roamed view in the URL: the one place where it is kept."""

from collections.abc import Mapping

import streamlit as st

from idc.roam_view import NAMES, RoamView, read_view, write_view


def current_view() -> RoamView:
    """What the URL asks for."""
    return read_view({name: st.query_params.get_all(name) for name in NAMES})


def show_view(view: RoamView, fixed: Mapping[str, str]) -> None:
    """Put a view into the URL: one step in the browser's history.

    Args:
        fixed: what a copied link has to name besides the view, also where it is the default now:
            data set and run.
    """
    others = {name: st.query_params.get_all(name) for name in st.query_params if name not in NAMES}
    st.query_params.from_dict({**others, **fixed, **write_view(view)})
