"""A link to a result, to copy."""

from idc.ui.components.own_component import own_component

_view = own_component(__file__)


def share_link(query: str, label: str) -> None:
    """Draw the link.

    Args:
        query: the part of the address from "?" on.
    """
    _view(key="play_link", data={"query": query, "label": label})
