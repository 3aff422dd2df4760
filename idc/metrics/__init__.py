"""Scores, calibration, thresholds, bootstrap: arrays in, numbers out."""
