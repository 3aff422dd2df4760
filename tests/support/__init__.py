"""Shared by the tests: generated data, fake servers, and programs that run as processes."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(__file__).resolve().parent / "programs"
