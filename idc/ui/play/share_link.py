"""A link to a result, with a copy button."""

from idc.ui.components.own_component import own_component

_view = own_component(__file__)


def share_link(query: str, label: str) -> None:
    """Show the link.

    Args:
        query: the query string, with its "?".
    """
    _view(key="play_link", data={"query": query, "label": label})
