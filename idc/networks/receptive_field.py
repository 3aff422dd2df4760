"""Which pixels of the patch a value inside a network has looked at: its receptive field.

Patches and filters are square, so one side tells both. A layer's `Spans` give for each place along
a side the first and the last pixel that can change the value there; what padding adds is no pixel.
"""

from idc.patches import PATCH_SIZE_PX

Spans = tuple[tuple[int, int], ...]

PATCH_SPANS: Spans = tuple((pixel, pixel) for pixel in range(PATCH_SIZE_PX))
WHOLE_PATCH_SPANS: Spans = ((0, PATCH_SIZE_PX - 1),)


def spans_after_window(input_spans: Spans, size: int, stride: int, padding: str) -> Spans:
    """The spans behind a window that moves over a map: a convolution, or a pooling.

    Args:
        below: of the map that the window moves over.
        size: places that the window covers.
        stride: places from one stop of the window to the next.
        padding: "same" or "valid", as Keras means them.
    """
    count, before = window_stops(len(input_spans), size, stride, padding)
    spans = []
    for place in range(count):
        first = place * stride - before
        covered = input_spans[max(0, first) : first + size]
        spans.append((min(low for low, _ in covered), max(high for _, high in covered)))
    return tuple(spans)


def window_stops(length: int, size: int, stride: int, padding: str) -> tuple[int, int]:
    """How often a window stops along a side, and how many places of padding come before it."""
    if padding == "valid":
        return (length - size) // stride + 1, 0
    count = -(-length // stride)
    return count, max(0, (count - 1) * stride + size - length) // 2


def merge_spans(first: Spans, second: Spans) -> Spans:
    """Where two ways meet, as at the end of a residual block: what either of them has seen."""
    return tuple((min(a[0], b[0]), max(a[1], b[1])) for a, b in zip(first, second, strict=True))
