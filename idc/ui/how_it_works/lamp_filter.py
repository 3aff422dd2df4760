"""The lightbulb, the filter and the camera: the idea of a filter, to play with."""

from idc.ui.components.own_component import own_component

_view = own_component(__file__, "pixels")


def lamp_filter(key: str) -> None:
    """Show it. Everything happens in the browser."""
    _view(key=key, data={})
