"""The page You against the CNN."""
