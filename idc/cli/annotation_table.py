"""The table of annotations that ``python -m idc predict --only`` prints."""

import sys
from collections.abc import Sequence

import numpy as np

from idc.large_images.annotation_summary import AnnotationSummary
from idc.uploads.annotations import Annotations

_MIN_NAME_WIDTH = len("annotation")


def print_annotations(only: Annotations, summaries: Sequence[AnnotationSummary]) -> None:
    """Print a note about ignored objects, and a line for each annotation, to standard error."""
    sentence = f"Only inside the annotations of '{only.file_name}'."
    print(f"{sentence} {only.note}".rstrip(), file=sys.stderr)
    for line in table_lines(summaries):
        print(line, file=sys.stderr)


def table_lines(summaries: Sequence[AnnotationSummary]) -> list[str]:
    """Name, number and area of cells with tissue, and their positive share: a line each."""
    width = max([_MIN_NAME_WIDTH, *(len(one.name) for one in summaries)])
    lines = [f"{'annotation':{width}}  {'cells':>9}  {'area mm2':>9}  IDC-positive"]
    for one in summaries:
        share = "-" if np.isnan(one.positive_share) else f"{one.positive_share:.1%}"
        lines.append(f"{one.name:{width}}  {one.cells:>9,}  {one.area_mm2:>9,.3f}  {share:>12}")
    return lines
