"""A run's folder: status, log, notes, lock, requests, watched slide, device queue."""
