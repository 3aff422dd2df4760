"""The output of every layer for one patch, for the process that holds the network.

Pages use `idc.prediction.layer_views`. Maps and filters are sent as one byte per value, scaled
between the minimum and the maximum of each map; their descriptions are sent as JSON.
"""

import math
from typing import Any

import keras
import numpy as np

from idc.networks.receptive_field import (
    Spans,
    merge_spans,
    patch_spans,
    spans_after_window,
    whole_patch_spans,
)

MAX_MAPS = 128  # sent per layer
_MAX_BYTES_PER_LAYER = 200_000  # for a layer's maps, and the same for its filters
_DIGITS = 5


def inspect_layers(model: keras.Model, patch: np.ndarray) -> tuple[list[dict[str, Any]], bytes]:
    """Describe every layer and its output for a patch.

    Args:
        patch: uint8 RGB, shape (side, side, 3).

    Returns:
        One entry per layer, in the order of the network:

        - "name", "kind" (the class in `keras.layers`), "activation" ("" or "relu", "softmax"),
          "parameters", "inputs" (positions of the layers that feed it)
        - "shape": [height, width, maps], or [units]
        - "spans": first and last pixel of the receptive field, for each position along a side
        - "maps": "low" and "high" of each map sent, and "at", the offset of its bytes
        - "filters" of a convolution: "shape" [height, width, input maps, filters sent], "stride",
          "padding", "bias", "low", "high" (one per filter) and "at"
        - "scale" and "shift" of a rescaling: one number per channel each
        - "sums" of the last layer: its logits

        and the bytes: the maps in order, each row by row; filters likewise.
    """
    layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    outputs = keras.Model(model.inputs[0], [layer.output for layer in layers])(
        patch[None], training=False
    )
    values = [np.asarray(value)[0].astype(np.float32) for value in outputs]
    number_of = {id(layer.output): number for number, layer in enumerate(layers)}
    block, entries = bytearray(), list[dict[str, Any]]()
    for layer, value in zip(layers, values, strict=True):
        given = layer.input if isinstance(layer.input, list) else [layer.input]
        inputs = [number_of[id(tensor)] for tensor in given if id(tensor) in number_of]
        entry = _layer_metadata(layer, value, inputs)
        input_spans = [entries[number]["spans"] for number in inputs] or [patch_spans(len(patch))]
        entry["spans"] = _receptive_spans(layer, input_spans, len(patch))
        entry["maps"] = _encode_maps(value, block)
        if isinstance(layer, keras.layers.Conv2D):
            entry["filters"] = _encode_filters(layer, block)
        if isinstance(layer, keras.layers.Rescaling):
            for name, given in (("scale", layer.scale), ("shift", layer.offset)):
                entry[name] = np.broadcast_to(given, 3).astype(float).tolist()
        entries.append(entry)
    entries[-1]["sums"] = _logits(layers[-1], values[entries[-1]["inputs"][0]])
    return entries, bytes(block)


def _layer_metadata(layer: keras.Layer, value: np.ndarray, inputs: list[int]) -> dict[str, Any]:
    activation = getattr(layer, "activation", None)
    return {
        "name": layer.name,
        "kind": type(layer).__name__,
        "activation": "" if activation in (None, keras.activations.linear) else activation.__name__,
        "parameters": layer.count_params(),
        "inputs": inputs,
        "shape": list(value.shape),
    }


def _receptive_spans(layer: keras.Layer, input_spans: list[Spans], side_px: int) -> Spans:
    kinds = keras.layers
    if isinstance(layer, kinds.Conv2D):
        return spans_after_window(
            input_spans[0], layer.kernel_size[0], layer.strides[0], layer.padding
        )
    if isinstance(layer, kinds.MaxPooling2D | kinds.AveragePooling2D):
        return spans_after_window(
            input_spans[0], layer.pool_size[0], layer.strides[0], layer.padding
        )
    if isinstance(layer, kinds.Dense | kinds.GlobalAveragePooling2D):
        return whole_patch_spans(side_px)
    if isinstance(layer, kinds.Add):
        return merge_spans(*input_spans)
    return input_spans[0]  # elementwise; flattened values keep their positions


def _encode_maps(value: np.ndarray, block: bytearray) -> dict[str, Any]:
    """Append a layer's maps to the block; a vector is one map with one row."""
    maps = value.transpose(2, 0, 1) if value.ndim == 3 else value[None, None, :]
    count = max(1, min(MAX_MAPS, _MAX_BYTES_PER_LAYER // math.prod(maps.shape[1:])))
    return _encode_quantised(maps[:count], block)


def _encode_filters(layer: keras.Layer, block: bytearray) -> dict[str, Any]:
    """Put a convolution's filters at the end of the block: one after the other, map by map."""
    weights = [np.asarray(weight).astype(np.float32) for weight in layer.get_weights()]
    kernel = weights[0].transpose(3, 2, 0, 1)  # filter, map below, row, column
    kernel = kernel[: max(1, min(MAX_MAPS, _MAX_BYTES_PER_LAYER // math.prod(kernel.shape[1:])))]
    sent = kernel.reshape(len(kernel), -1, kernel.shape[-1])
    return {
        "shape": [*layer.kernel_size, kernel.shape[1], len(kernel)],
        "stride": layer.strides[0],
        "padding": layer.padding,
        "bias": _round_values(weights[1][: len(kernel)]) if len(weights) > 1 else None,
        **_encode_quantised(sent, block),
    }


def _encode_quantised(maps: np.ndarray, block: bytearray) -> dict[str, Any]:
    """Append maps as bytes: 0 is the minimum of each map, 255 its maximum.

    Args:
        maps: float32, shape (n, rows, columns).
    """
    low, high = maps.min(axis=(1, 2)), maps.max(axis=(1, 2))
    range_ = np.where(high > low, high - low, 1)[:, None, None]
    at = len(block)
    block += ((maps - low[:, None, None]) / range_ * 255).round().astype(np.uint8).tobytes()
    return {"at": at, "low": _round_values(low), "high": _round_values(high)}


def _logits(last: keras.Layer, features: np.ndarray) -> list[float]:
    kernel, bias = (np.asarray(weight, np.float32) for weight in last.get_weights())
    return _round_values(features.ravel() @ kernel + bias)


def _round_values(values: np.ndarray) -> list[float]:
    return [float(f"{value:.{_DIGITS}g}") for value in values.tolist()]
