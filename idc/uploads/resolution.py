"""Micrometres per pixel from an image file's resolution tags.

Scanners and ImageJ write the scale of the tissue. Cameras and screens write 72 or 300 dots per
inch, which describes the print; values that no tissue image can have are therefore ignored.
"""

import re
from collections.abc import Mapping
from typing import Any

# The bounds of `idc.imaging.rescaling`, repeated because the decoder imports as little as possible.
_MIN_MPP_UM, _MAX_MPP_UM = 0.05, 16.0

_DESCRIPTION, _X_RESOLUTION, _Y_RESOLUTION, _UNIT = 270, 282, 283, 296  # tags of TIFF
_UM_PER_UNIT = {2: 25_400.0, 3: 10_000.0}  # inch, centimetre
_IMAGEJ_MICRON = re.compile(  # ImageJ writes µ as an escape
    r"\AImageJ=.*^unit=(micron|um|µm|\\u00b5m)\s*$", re.DOTALL | re.MULTILINE | re.IGNORECASE
)


def mpp_of_tiff(tags: Mapping[int, Any]) -> float | None:
    """Micrometres per pixel of a TIFF; None if missing, implausible or not square.

    Args:
        tags: values by number; rationals as (numerator, denominator).
    """
    try:
        unit_um = _UM_PER_UNIT.get(tags.get(_UNIT, 2))
        if _IMAGEJ_MICRON.match(str(tags.get(_DESCRIPTION, ""))):
            unit_um = 1.0
        if unit_um is None:
            return None
        across, down = (
            unit_um * tags[tag][1] / tags[tag][0] for tag in (_X_RESOLUTION, _Y_RESOLUTION)
        )
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None  # no such tags, or hostile ones
    square = abs(across - down) <= 0.02 * max(across, down)
    return plausible_mpp((across + down) / 2) if square else None


def plausible_mpp(mpp_um: object) -> float | None:
    """The value itself if it is a float in [0.05, 16]; None for anything else."""
    return mpp_um if isinstance(mpp_um, float) and _MIN_MPP_UM <= mpp_um <= _MAX_MPP_UM else None
