"""The roamed view in the URL: the one place where it is kept."""

from collections.abc import Mapping

import streamlit as st

from idc.datasets.patch_filter_url import QUERY_KEYS, DatasetView, query_from_view, view_from_query
from idc.ui.shared import address

_VIEW = "view"  # the part of the address


def current_view() -> DatasetView:
    """What the URL asks for, or what was written there since the browser sent it."""
    words = _view_params(_query())
    if address.is_outdated(_VIEW, words):
        words = address.latest(_VIEW)
    address.remember(_VIEW, words)
    return view_from_query(dict(words))


def show_view(view: DatasetView, fixed_params: Mapping[str, str]) -> None:
    """Put a view into the URL: one step in the browser's history.

    Args:
        fixed_params: the data set and the run, which a copied link must name even where they are
            the default now.
    """
    others = {name: values for name, values in _query().items() if name not in QUERY_KEYS}
    view_words = query_from_view(view)
    address.remember(_VIEW, _view_params(view_words))
    st.query_params.from_dict({**others, **fixed_params, **view_words})


def _query() -> dict[str, list[str]]:
    return {name: st.query_params.get_all(name) for name in st.query_params}


def _view_params(query: Mapping[str, list[str]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((name, tuple(query[name])) for name in QUERY_KEYS if name in query)
