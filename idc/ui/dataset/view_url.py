"""Read and write the view of all patches in the URL, its only storage."""

from collections.abc import Mapping

import streamlit as st

from idc.datasets.patch_filter_url import QUERY_KEYS, DatasetView, query_from_view, view_from_query
from idc.ui.shared import address

_VIEW = "view"  # the part of the address


def current_view() -> DatasetView:
    """The view in the URL, or a newer one that the browser has not received yet."""
    params = _view_params(_query())
    if address.is_outdated(_VIEW, params):
        params = address.latest(_VIEW)
    address.remember(_VIEW, params)
    return view_from_query(dict(params))


def show_view(view: DatasetView, fixed_params: Mapping[str, str]) -> None:
    """Write a view to the URL as one step in the browser's history.

    Args:
        fixed_params: further parameters of a copied link, also if they are the defaults: data set
            and run.
    """
    others = {name: values for name, values in _query().items() if name not in QUERY_KEYS}
    view_query = query_from_view(view)
    address.remember(_VIEW, _view_params(view_query))
    st.query_params.from_dict({**others, **fixed_params, **view_query})


def _query() -> dict[str, list[str]]:
    return {name: st.query_params.get_all(name) for name in st.query_params}


def _view_params(query: Mapping[str, list[str]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((name, tuple(query[name])) for name in QUERY_KEYS if name in query)
