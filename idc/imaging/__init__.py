"""Geometry of pictures: tiling, scale, tissue mask, outlines, GeoJSON."""
