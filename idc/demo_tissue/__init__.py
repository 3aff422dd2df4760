"""Painted tissue: what a breast section looks like at 4 um a pixel, from random numbers alone.

Everything is measured in pixels of 4 um (a nucleus is about 2 px, a fat cell 15, a lobule 80).
A slide is painted as amounts of stain (`stain.Stains`), not as colours; light passes through the
stains at the very end. Read in this order: `noise` and `shapes` (the raw material), `section`
(outline, stroma, fat and the run of the fibres), `glands`, `vessels`, `lymphocytes`, `tumour`,
`flaws`, `stain` (light, colour). `idc.demo_tissue.generate` puts them together.

Nothing in here comes from a patient or from a picture of one.
"""
