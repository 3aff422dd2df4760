"""The table of annotations that ``python -m idc predict --only`` prints."""

import sys
from collections.abc import Sequence

import numpy as np

from idc.large_images.annotation_summary import AnnotationSummary
from idc.patches import CLASS_NAMES
from idc.uploads.annotations import Annotations

_MIN_NAME_WIDTH = len("annotation")


def print_annotations(
    only: Annotations, summaries: Sequence[AnnotationSummary], positive: str = CLASS_NAMES[1]
) -> None:
    """Print a note about ignored objects, and a line for each annotation, to standard error.

    Args:
        positive: the name of the positive class.
    """
    sentence = f"Only inside the annotations of '{only.file_name}'."
    print(f"{sentence} {only.note}".rstrip(), file=sys.stderr)
    for line in table_lines(summaries, positive):
        print(line, file=sys.stderr)


def table_lines(
    summaries: Sequence[AnnotationSummary], positive: str = CLASS_NAMES[1]
) -> list[str]:
    """Name, number and area of cells with tissue, and their positive share: a line each."""
    width = max([_MIN_NAME_WIDTH, *(len(one.name) for one in summaries)])
    lines = [f"{'annotation':{width}}  {'cells':>9}  {'area mm2':>9}  {positive:>5}"]
    for one in summaries:
        share = "-" if np.isnan(one.positive_share) else f"{one.positive_share:.1%}"
        area = "-" if np.isnan(one.area_mm2) else f"{one.area_mm2:,.3f}"
        lines.append(
            f"{one.name:{width}}  {one.cells:>9,}  {area:>9}  {share:>{max(5, len(positive))}}"
        )
    return lines
