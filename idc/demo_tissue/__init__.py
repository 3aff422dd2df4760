"""Synthetic breast tissue at 4 um per pixel, generated from random numbers.

All lengths are in pixels of 4 um (a nucleus is about 2 px wide, a fat cell 15, a lobule 80).
A slide is painted as amounts of stain (`stain.Stains`), which are converted to colours at the end.
Reading order: `noise` and `shapes` (primitives), `section` (outline, stroma, fat, fibre direction),
`glands`, `vessels`, `lymphocytes`, `tumour`, `artefacts`, `stain` (colours).
`idc.demo_tissue.generate` combines them.

Nothing is derived from patient data.
"""
