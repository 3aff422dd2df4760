"""Runs as notebooks, scripts, model files and records of other systems, which need no IDC Lab."""
