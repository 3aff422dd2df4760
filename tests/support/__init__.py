"""What tests share: generated data, fake servers, and programs that run as real processes."""

from pathlib import Path

SUPPORT = Path(__file__).resolve().parent
PROJECT = SUPPORT.parents[1]
