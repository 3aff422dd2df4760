"""The sections of Labels."""
