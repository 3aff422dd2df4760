"""Warn about unreliable predictions for a region or slide, from a sample of its patches."""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from idc.imaging.rescaling import is_enlarged, scale_note
from idc.large_images.region import Region, RegionPredictions
from idc.prediction.image_warnings import profile_of, warning_reasons, warning_sentences
from idc.prediction.predictor import predict_with_features
from idc.runs.run import Run

_SAMPLE_SIZE = 48  # patches, spread evenly: enough to tell a third of them from a twentieth
DOUBTFUL_SHARE = 1 / 3

MIRRORED_NOTE = "The image is smaller than a patch and is mirrored at its edges to fill one."


def region_notes(region: Region, image_notes: Sequence[str] = ()) -> tuple[str, ...]:
    """What was done to a region before it is predicted and affects the answer, in sentences.

    Args:
        image_notes: those of its `idc.uploads.gate.DecodedImage`.
    """
    mpp_um, model = region.layout.mpp_um, region.layout.model
    return (
        *image_notes,
        *([scale_note(mpp_um, model)] if is_enlarged(mpp_um, model) else []),
        *([MIRRORED_NOTE] if region.mirrored else []),
    )


def region_warning(
    run: Run, answers: RegionPredictions, patch_of: Callable[[int, int], np.ndarray]
) -> str | None:
    """Why a run's predictions for a region are unreliable, in two sentences; usually None.

    Patches at the edge of tissue may be almost blank in any region, so blank ones are not counted.

    Args:
        patch_of: row and column of a tile -> the patch, uint8 RGB, shape (side, side, 3).

    Raises:
        PredictionError: as `idc.prediction.predictor.predict_with_features`.
    """
    profile = profile_of(run)
    places = np.argwhere(np.isfinite(answers.tiles))
    if profile is None or not len(places):
        return None
    sample = np.linspace(0, len(places) - 1, min(_SAMPLE_SIZE, len(places))).astype(int)
    patches = np.stack([patch_of(row, column) for row, column in places[sample].tolist()])
    reasons = warning_reasons(profile, patches, predict_with_features(run, patches).features)
    judged = [names for names in reasons if names != ["blank"]]
    unfamiliar = [names for names in judged if names]
    if not unfamiliar or len(unfamiliar) < DOUBTFUL_SHARE * len(judged):
        return None
    [(commonest, _)] = Counter(name for names in unfamiliar for name in names).most_common(1)
    return (
        f"{len(unfamiliar)} of {len(judged)} patches that were checked are unlike those that the "
        f"model learned from. The commonest reason: {warning_sentences(run)[commonest]}"
    )
