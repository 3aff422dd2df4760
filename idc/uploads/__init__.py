"""Untrusted uploads: every file from a visitor is decoded here, in a child process."""
