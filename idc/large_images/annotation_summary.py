"""What was predicted inside each annotation: count, area and positive share."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from idc.large_images.region import RegionPredictions


@dataclass(frozen=True)
class AnnotationSummary:
    """The predictions inside one annotation.

    Attributes:
        name: untrusted text.
        cells: the number of cells with tissue inside.
        area_mm2: of these cells; nan if the scale is unknown.
        positive_share: of these cells, the share called positive, [0, 1]; nan without cells.
    """

    name: str
    cells: int
    area_mm2: float
    positive_share: float

    def to_json(self) -> dict[str, Any]:
        """The same with null for an undefined share or area."""
        return {
            key: None if isinstance(value, float) and np.isnan(value) else value
            for key, value in asdict(self).items()
        }


def annotation_summaries(answers: RegionPredictions, threshold: float) -> list[AnnotationSummary]:
    """One summary for each annotation, in the order of the file; empty without annotations.

    A cell inside several annotations counts in each.
    """
    layout = answers.layout
    if layout.annotated is None:
        return []
    tissue, areas = layout.tissue.ravel(), layout.areas_px.ravel()
    positive = answers.predicted_positive(threshold).ravel()
    mm2_per_px = np.nan if layout.mpp_um is None else (layout.mpp_um / 1000) ** 2
    summaries = []
    for name, inside in zip(layout.annotated.names, layout.annotated.cells, strict=True):
        cells = inside[tissue[inside]]
        share = float(positive[cells].mean()) if len(cells) else np.nan
        area_mm2 = float(areas[cells].sum() * mm2_per_px)
        summaries.append(AnnotationSummary(name, len(cells), area_mm2, share))
    return summaries
