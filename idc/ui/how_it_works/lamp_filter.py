"""Lamps, a filter and a camera: an interactive introduction to filters."""

from idc.ui.components.own_component import own_component

_view = own_component(__file__, "pixels")


def lamp_filter(key: str) -> None:
    """Show the lamps. All interaction happens in the browser."""
    _view(key=key, data={})
