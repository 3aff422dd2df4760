"""Whole-slide files of formats other than TIFF, made by tests."""
