"""Decoder process of annotation files: ``python -m idc.uploads.annotation_worker FD``.

Parses one untrusted GeoJSON file per request into arrays. Started by `idc.uploads.annotations`; no
module imports it. A small file of JSON can take much memory, so the process first limits its own.
"""

import gc
import json
import resource
import sys
from collections.abc import Mapping
from itertools import chain
from typing import Any

import numpy as np

from idc.processes.child import Reply, serve
from idc.processes.resource_limits import lower_limit
from idc.uploads.annotation_parser import AnnotationRefusal, ParsedAnnotations, parse_annotations

_MAX_MEMORY_BYTES = 2**30  # address space; a file at the limits of size and vertices takes half


def answer(request: Mapping[str, Any], data: bytes) -> Reply:
    """Parse one file.

    Returns:
        ``{"ok": True, "note", "table_bytes"}`` and a block: ``table_bytes`` of JSON, for each
        annotation its name and, for each of its polygons, the number of points of each ring; then
        all points as float64 x, y. Or ``{"ok": False, "reason"}``.
    """
    try:
        return _reply(parse_annotations(data))
    except AnnotationRefusal as refusal:
        reason = str(refusal)
    except MemoryError:
        reason = "needs too much memory to read; export fewer annotations"
    return {"ok": False, "reason": reason}, b""


def _reply(found: ParsedAnnotations) -> Reply:
    sizes = [[[len(ring) for ring in rings] for rings in polygons] for polygons in found.polygons]
    table = json.dumps(list(zip(found.names, sizes, strict=True))).encode()
    rings = chain.from_iterable(chain.from_iterable(found.polygons))
    points = np.concatenate(list(rings))
    header = {"ok": True, "note": found.ignored_note(), "table_bytes": len(table)}
    return header, (table, points.tobytes())


def main() -> None:
    """Give up what parsing does not need, then answer until the parent hangs up."""
    lower_limit(resource.RLIMIT_CORE, 0)
    lower_limit(resource.RLIMIT_FSIZE, 0)  # no file can be written
    lower_limit(resource.RLIMIT_NOFILE, 32)
    if sys.platform == "linux":  # macOS defines the limit but rejects setting it
        lower_limit(resource.RLIMIT_AS, _MAX_MEMORY_BYTES)
    gc.disable()  # JSON has no cycles, and looking for some takes most of the time
    serve(answer)


if __name__ == "__main__":
    main()
