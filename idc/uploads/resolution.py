"""How many micrometres a pixel covers, by what the image file itself says.

Scanners and ImageJ write it; cameras and screens write 72 or 300 dots an inch, which is about
paper. What no picture of tissue can have is therefore as good as nothing.
"""

import re
from collections.abc import Mapping
from typing import Any

from PIL import Image

# The bounds of `idc.imaging.rescaling`, said again: the gate's child imports as little as it can.
_MIN_MPP_UM, _MAX_MPP_UM = 0.05, 16.0

_DESCRIPTION, _X_RESOLUTION, _Y_RESOLUTION, _UNIT = 270, 282, 283, 296  # tags of TIFF
_UM_PER_UNIT = {2: 25_400.0, 3: 10_000.0}  # inch, centimetre
_IMAGEJ_MICRON = re.compile(  # ImageJ writes µ as an escape
    r"\AImageJ=.*^unit=(micron|um|µm|\\u00b5m)\s*$", re.DOTALL | re.MULTILINE | re.IGNORECASE
)


def mpp_of_tiff(image: Image.Image) -> float | None:
    """Micrometres per pixel of an opened TIFF; None where it does not say, or says nonsense."""
    tags: Mapping[int, Any] = getattr(image, "tag_v2", {})
    try:
        unit_um = _UM_PER_UNIT.get(tags.get(_UNIT, 2))
        if _IMAGEJ_MICRON.match(str(tags.get(_DESCRIPTION, ""))):
            unit_um = 1.0
        if unit_um is None:
            return None
        across, down = (unit_um / float(tags[tag]) for tag in (_X_RESOLUTION, _Y_RESOLUTION))
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None  # no such tags, or hostile ones
    square = abs(across - down) <= 0.02 * max(across, down)
    return plausible_mpp((across + down) / 2) if square else None


def plausible_mpp(um: object) -> float | None:
    """The same number where tissue can have that scale; None for anything else."""
    return um if isinstance(um, float) and _MIN_MPP_UM <= um <= _MAX_MPP_UM else None
