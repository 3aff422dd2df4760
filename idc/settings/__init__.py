"""A training's settings: checks, presets, help, file and URL forms."""
