"""The trainer process: batches, loop, checkpoints, outputs."""
