"""The roamed view in the URL: the one place where it is kept."""

from collections.abc import Mapping

import streamlit as st

from idc.datasets.patch_filter_url import NAMES, RoamView, read_view, write_view
from idc.ui.shared import address

_VIEW = "view"  # the part of the address


def current_view() -> RoamView:
    """What the URL asks for, or what was written there since the browser sent it."""
    words = _words(_query())
    if address.is_outdated(_VIEW, words):
        words = address.latest(_VIEW)
    address.remember(_VIEW, words)
    return read_view(dict(words))


def show_view(view: RoamView, fixed: Mapping[str, str]) -> None:
    """Put a view into the URL: one step in the browser's history.

    Args:
        fixed: what a copied link has to name besides the view, also where it is the default now:
            data set and run.
    """
    others = {name: values for name, values in _query().items() if name not in NAMES}
    view_words = write_view(view)
    address.remember(_VIEW, _words(view_words))
    st.query_params.from_dict({**others, **fixed, **view_words})


def _query() -> dict[str, list[str]]:
    return {name: st.query_params.get_all(name) for name in st.query_params}


def _words(query: Mapping[str, list[str]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((name, tuple(query[name])) for name in NAMES if name in query)
