"""The gate: every byte from a visitor is decoded here, in a child process."""
