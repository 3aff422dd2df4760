"""Image geometry: tiling, scale, tissue mask, outlines, GeoJSON."""
