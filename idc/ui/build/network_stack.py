"""The layers of a network as blocks drawn to scale, and as a table."""

from collections.abc import Sequence
from dataclasses import asdict

from idc.networks.architecture import LayerSpec
from idc.ui.components.own_component import own_component

_view = own_component(__file__, "pixels", "layer_colours")


def network_stack(layers: Sequence[LayerSpec], side_px: int, *, key: str) -> None:
    """Show a network's layers for patches of a side. The browser keeps the chosen layer."""
    _view(key=key, data={"layers": [asdict(layer) for layer in layers], "side": side_px})
