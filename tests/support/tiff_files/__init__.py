"""TIFF files for the tests of the upload gate."""
