"""When not to believe an answer: warnings about images unlike those that a model learned from."""

from collections.abc import Mapping

import numpy as np

from idc.datasets.store import open_store
from idc.errors import IdcError
from idc.prediction.appearance import FEWEST, SIGNALS, Profile
from idc.prediction.predictor import look
from idc.prediction.training_features import familiar
from idc.runs.run import PROFILE_FILE, Run

_NOT_TO_RELY = "do not rely on the answer"

REASONS: Mapping[str, str] = {
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


def warnings(run: Run, rgb: np.ndarray) -> list[str]:
    """Why a run's answer for one patch should not be believed, a sentence each; mostly none.

    Args:
        rgb: uint8 RGB, shape (50, 50, 3).

    Raises:
        PredictionError: as `idc.prediction.predictor.look`.
    """
    return warnings_of(run, rgb[None])[0]


def warnings_of(
    run: Run, patches: np.ndarray, features: np.ndarray | None = None
) -> list[list[str]]:
    """`warnings` of many patches at once.

    A visitor's own run has none before its training patches were looked at, see
    `idc.prediction.training_features`.

    Args:
        patches: uint8 RGB, shape (n, 50, 50, 3), n >= 1.
        features: theirs from `idc.prediction.predictor.look`; asked for when not given.

    Raises:
        PredictionError: as `idc.prediction.predictor.look`.
    """
    profile, trained_on = _known(run)
    if profile is None:
        few = 0 < trained_on < FEWEST
        return [[_too_few(trained_on)] if few else [] for _ in patches]
    if features is None:
        features = look(run, patches).features
    return [[REASONS[name] for name in names] for names in reasons(profile, patches, features)]


def reasons(profile: Profile, patches: np.ndarray, features: np.ndarray) -> list[list[str]]:
    """The keys of `REASONS` that hold for each patch, those that say most first.

    Arguments as of `Profile.signals`.
    """
    strange = profile.strange(patches, features)
    blurred = strange[:, SIGNALS.index("texture")] & profile.lacks_detail(patches)
    return [
        _told(dict(zip(SIGNALS, row, strict=True)), is_blurred)
        for row, is_blurred in zip(strange.tolist(), blurred.tolist(), strict=True)
    ]


def _told(strange: dict[str, bool], blurred: bool) -> list[str]:
    """What to say of all that is strange: a reason that explains another one stands for it."""
    if strange["blank"]:
        return ["blank"]  # glass is grey, smooth and unlike tissue, all of it
    told = [name for name in ("grey", "brown", "cold") if strange[name]][:1]
    if strange["colour"] and not told:
        told = ["colour"]
    if strange["texture"]:
        told.append("blurred" if blurred else "texture")
    if strange["features"] and not told:
        told = ["features"]
    return told


def profile_of(run: Run) -> Profile | None:
    """What the patches that a run learned from look like; None while it is not known."""
    return _known(run)[0]


def _known(run: Run) -> tuple[Profile | None, int]:
    """A run's profile, and how many patches it learned from; (None, 0) while nothing is known."""
    if run.bundled:
        return Profile.load(run.folder / PROFILE_FILE), 0
    try:
        known = familiar(run, open_store(run.config.data))
    except IdcError:  # the data set is gone, and with it what there is to compare with
        return None, 0
    return (known.profile, known.trained_on) if known else (None, 0)


def _too_few(count: int) -> str:
    return (
        f"This run has learned from {count} patches alone, too few to rely on any answer; train on "
        "at least a few thousand."
    )
