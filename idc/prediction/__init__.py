"""Predict with a run's model, explain predictions, warn about unfamiliar images."""
