"""Quantities as text."""

import pytest

from idc.wording import format_bytes


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (15_000, "15 kB"),
        (999_499, "999 kB"),
        (999_600, "1.0 MB"),
        (24_100_000, "24.1 MB"),
        (200_000_000, "200 MB"),
        (999_960_000, "1.0 GB"),
        (3.3e9, "3.3 GB"),
        (1.5e12, "1.5 TB"),
    ],
)
def test_bytes_are_shown_in_a_unit_of_their_size(count, text):
    assert format_bytes(count) == text
