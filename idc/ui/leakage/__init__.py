"""The sections of Leakage."""
