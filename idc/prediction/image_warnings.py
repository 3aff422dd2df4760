"""Warnings about unreliable predictions: images unlike those that a model learned from."""

from collections.abc import Mapping

import numpy as np

from idc.datasets.store import open_store
from idc.errors import IdcError
from idc.prediction.appearance import MIN_TRAINING_PATCHES, SIGNALS, AppearanceProfile
from idc.prediction.predictor import predict_with_features
from idc.prediction.training_features import load_training_features
from idc.runs.run import PROFILE_FILE, Run

_NOT_TO_RELY = "do not rely on the answer"

WARNING_SENTENCES: Mapping[str, str] = {
    "blank": "There is hardly any stained tissue on it, so there is next to nothing to judge; "
    "choose a place with tissue.",
    "grey": "It is almost without colour, while H&E is pink and violet; use the colour image.",
    "brown": "It is brown or yellow where H&E is pink and violet, as an immunostain (DAB) or a "
    f"photograph is; the model knows H&E alone, so {_NOT_TO_RELY}.",
    "cold": "It is bluer or greener than H&E ever is, as other stains and photographs are; the "
    f"model knows H&E alone, so {_NOT_TO_RELY}.",
    "colour": "It has colours that the patches the model learned from lack (a photograph, a "
    "screenshot, another stain, red and blue swapped?); use an image of an H&E slide.",
    "blurred": "It has less fine detail than tissue at 4 µm a pixel: out of focus, or enlarged "
    "from a higher magnification; use a sharp image at the right scale.",
    "texture": "Its texture is not that of tissue at 4 µm a pixel (wrong scale, noise, a "
    "drawing?); use an image of tissue at the right scale.",
    "features": "Nothing that the model learned from looks like it to the network, so its answer "
    f"is a guess; {_NOT_TO_RELY}.",
}

# The same for models of other data sets, which may hold no H&E.
OTHER_SENTENCES: Mapping[str, str] = {
    "blank": "There is hardly any colour on it, so there is next to nothing to judge; use a "
    "picture with content.",
    "grey": "It is closer to grey than the patches the model learned from; use the colour image.",
    "brown": f"It is more brown or yellow than the patches the model learned from; {_NOT_TO_RELY}.",
    "cold": f"It is bluer or greener than the patches the model learned from; {_NOT_TO_RELY}.",
    "colour": "It has colours that the patches the model learned from lack (another source, red "
    f"and blue swapped?); {_NOT_TO_RELY}.",
    "blurred": "It has less fine detail than the patches the model learned from: out of focus, or "
    "enlarged; use a sharp image at the scale of the data set.",
    "texture": "Its texture is not that of the patches the model learned from (another scale, "
    "noise, a drawing?); use an image like those of the data set.",
    "features": WARNING_SENTENCES["features"],
}


def warning_sentences(run: Run) -> Mapping[str, str]:
    """The sentence of each reason; only those of models on the IDC set speak of H&E."""
    return WARNING_SENTENCES if run.description().is_idc_set else OTHER_SENTENCES


def patch_warnings(run: Run, rgb: np.ndarray) -> list[str]:
    """Why a run's prediction for one patch is unreliable, one sentence each; usually none.

    Args:
        rgb: uint8 RGB, shape (side, side, 3).

    Raises:
        PredictionError: as `idc.prediction.predictor.predict_with_features`.
    """
    return warnings_for_patches(run, rgb[None])[0]


def warnings_for_patches(
    run: Run, patches: np.ndarray, features: np.ndarray | None = None
) -> list[list[str]]:
    """`patch_warnings` of many patches at once.

    A visitor's own run has none until its training features are computed, see
    `idc.prediction.training_features`.

    Args:
        patches: uint8 RGB, shape (n, side, side, 3), n >= 1.
        features: theirs from `idc.prediction.predictor.predict_with_features`; computed if None.

    Raises:
        PredictionError: as `idc.prediction.predictor.predict_with_features`.
    """
    profile, trained_on = _profile_and_count(run)
    if profile is None:
        few = 0 < trained_on < MIN_TRAINING_PATCHES
        return [[_too_few(trained_on)] if few else [] for _ in patches]
    if features is None:
        features = predict_with_features(run, patches).features
    sentences = warning_sentences(run)
    return [
        [sentences[name] for name in names] for names in warning_reasons(profile, patches, features)
    ]


def predict_with_warnings(run: Run, patches: np.ndarray) -> tuple[np.ndarray, list[list[str]]]:
    """Probabilities of patches, float32 [0, 1], shape (n,), and their `warnings_for_patches`.

    Arguments and errors as of `warnings_for_patches`.
    """
    prediction = predict_with_features(run, patches)
    return prediction.y_prob, warnings_for_patches(run, patches, prediction.features)


def warning_reasons(
    profile: AppearanceProfile, patches: np.ndarray, features: np.ndarray
) -> list[list[str]]:
    """The keys of `WARNING_SENTENCES` that apply to each patch, the most informative first.

    Arguments as of `AppearanceProfile.signals`.
    """
    exceeded = profile.exceeded_limits(patches, features)
    blurred = exceeded[:, SIGNALS.index("texture")] & profile.lacks_detail(patches)
    return [
        _independent_reasons(dict(zip(SIGNALS, row, strict=True)), is_blurred)
        for row, is_blurred in zip(exceeded.tolist(), blurred.tolist(), strict=True)
    ]


def _independent_reasons(exceeded: dict[str, bool], blurred: bool) -> list[str]:
    """The reasons of the exceeded limits, without those that another reason explains."""
    if exceeded["blank"]:
        return ["blank"]  # glass also exceeds the limits of grey, texture and features
    reasons = [name for name in ("grey", "brown", "cold") if exceeded[name]][:1]
    if exceeded["colour"] and not reasons:
        reasons = ["colour"]
    if exceeded["texture"]:
        reasons.append("blurred" if blurred else "texture")
    if exceeded["features"] and not reasons:
        reasons = ["features"]
    return reasons


def profile_of(run: Run) -> AppearanceProfile | None:
    """The appearance profile of a run's training patches; None while unknown."""
    return _profile_and_count(run)[0]


def _profile_and_count(run: Run) -> tuple[AppearanceProfile | None, int]:
    """A run's profile and its number of training patches; (None, 0) while unknown."""
    if run.bundled:
        content = run.read_file(PROFILE_FILE, required=True)
        return AppearanceProfile.load(run.folder / PROFILE_FILE, content), 0
    try:
        known = load_training_features(run, open_store(run.config.data))
    except IdcError:  # the data set is gone
        return None, 0
    return (known.profile, known.trained_on) if known else (None, 0)


def _too_few(count: int) -> str:
    return (
        f"This run has learned from {count} patches alone, too few to rely on any answer; train on "
        "at least a few thousand."
    )
