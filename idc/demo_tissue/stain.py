"""Converts amounts of stain to colour by the Beer-Lambert law of absorption."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from idc.demo_tissue.noise import Amount, Field

# Optical density in red, green, blue of an amount of 1.
_HAEMATOXYLIN = (0.92, 1.13, 0.55)  # nuclei: blue-violet
_EOSIN = (0.09, 0.60, 0.35)  # fibres, cytoplasm: pink
_BLOOD = (0.17, 1.25, 1.05)  # red cells


@dataclass
class Stains:
    """Amounts of stain on a slide. Each float32 (height, width), amounts from 0 to about 1.5."""

    haematoxylin: Field
    eosin: Field
    blood: Field

    @classmethod
    def empty(cls, shape: tuple[int, int]) -> Stains:
        return cls(*(np.zeros(shape, np.float32) for _ in range(3)))

    def within(self, window: tuple[slice, slice]) -> Stains:
        """A part of the slide; painting on it paints on the slide."""
        return Stains(self.haematoxylin[window], self.eosin[window], self.blood[window])

    def cover(self, where: Field, haematoxylin: Amount, eosin: Amount) -> None:
        """Replace what lies under `where` (float32 in [0, 1], soft edges) by these amounts."""
        for amount, new in (
            (self.haematoxylin, haematoxylin),
            (self.eosin, eosin),
            (self.blood, 0),
        ):
            change = new - amount
            change *= where
            amount += change

    def scale_amounts(self, factor: Field) -> None:
        """Multiply all stains: below 1 pale, above 1 thick, 0 bare glass."""
        for amount in (self.haematoxylin, self.eosin, self.blood):
            amount *= factor


@dataclass(frozen=True)
class StainProfile:
    """Colours of one laboratory and scanner. Vectors are (red, green, blue)."""

    haematoxylin: npt.NDArray[np.float32]  # (3,) optical density
    eosin: npt.NDArray[np.float32]
    blood: npt.NDArray[np.float32]
    glass: npt.NDArray[np.float32]  # (3,) brightness of bare glass, 0 to 255


def draw_stain_profile(rng: np.random.Generator) -> StainProfile:
    """Draw random stain colours and brightness for a case."""

    def shade(base: tuple[float, ...], strength: float, hue: float) -> npt.NDArray[np.float32]:
        return (np.array(base) * strength * np.exp(rng.normal(0, hue, 3))).astype(np.float32)

    return StainProfile(
        haematoxylin=shade(_HAEMATOXYLIN, rng.uniform(0.58, 1.42), 0.1),
        eosin=shade(_EOSIN, rng.uniform(0.6, 1.4), 0.12),
        blood=shade(_BLOOD, rng.uniform(0.8, 1.1), 0.05),
        glass=np.array(rng.uniform(236, 250) + rng.normal(0, 1.5, 3), np.float32),
    )


def transmit_light(stains: Stains, stain_profile: StainProfile) -> npt.NDArray[np.float32]:
    """The colours: float32 RGB (height, width, 3) in [0, 255]."""
    rgb = np.empty((*stains.eosin.shape, 3), np.float32)
    for channel in range(3):
        density = stains.haematoxylin * stain_profile.haematoxylin[channel]
        density += stains.eosin * stain_profile.eosin[channel]
        density += stains.blood * stain_profile.blood[channel]
        np.multiply(np.exp(-density), stain_profile.glass[channel], out=rgb[..., channel])
    return rgb
