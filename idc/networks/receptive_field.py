"""The receptive field of each value inside a network.

Patches and filters are square, so one side describes both. A layer's `Spans` hold, for each
position along a side, the first and the last pixel that affect the value there; padding does not
count.
"""

Spans = tuple[tuple[int, int], ...]


def patch_spans(side_px: int) -> Spans:
    """The spans of the patch itself."""
    return tuple((pixel, pixel) for pixel in range(side_px))


def whole_patch_spans(side_px: int) -> Spans:
    """The spans of a value that all pixels affect."""
    return ((0, side_px - 1),)


def spans_after_window(input_spans: Spans, size: int, stride: int, padding: str) -> Spans:
    """The spans after a sliding window: a convolution or a pooling.

    Args:
        input_spans: spans of the map that the window slides over.
        size: side of the window.
        stride: distance between two positions of the window.
        padding: "same" or "valid", as in Keras.
    """
    count, before = window_stops(len(input_spans), size, stride, padding)
    spans = []
    for stop in range(count):
        first = stop * stride - before
        covered = input_spans[max(0, first) : first + size]
        spans.append((min(low for low, _ in covered), max(high for _, high in covered)))
    return tuple(spans)


def window_stops(length: int, size: int, stride: int, padding: str) -> tuple[int, int]:
    """The number of window positions along a side, and the padding before the first value."""
    if padding == "valid":
        return (length - size) // stride + 1, 0
    count = -(-length // stride)
    return count, max(0, (count - 1) * stride + size - length) // 2


def merge_spans(first: Spans, second: Spans) -> Spans:
    """The spans where two branches are added, as at the end of a residual block."""
    return tuple((min(a[0], b[0]), max(a[1], b[1])) for a, b in zip(first, second, strict=True))
