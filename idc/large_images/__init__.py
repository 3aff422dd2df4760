"""Regions and whole slides, tile by tile, one or thousands."""
