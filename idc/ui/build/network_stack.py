"""The layers of a network as blocks drawn to scale, and as a table."""

from collections.abc import Sequence
from dataclasses import asdict

from idc.networks.architecture import LayerSpec
from idc.ui.components.own_component import own_component

_view = own_component(__file__, "pixels", "layer_colours")


def network_stack(layers: Sequence[LayerSpec], *, key: str) -> None:
    """Show the layers. The chosen layer is kept in the browser."""
    _view(key=key, data={"layers": [asdict(layer) for layer in layers]})
