"""Which machines train together, as the command line names them."""

import re
from dataclasses import dataclass

from idc.errors import ConfigError

_ADDRESS = re.compile(r"[^\s:,]+:\d{1,5}")


@dataclass(frozen=True)
class Hosts:
    """All machines, and which of them this one is.

    Attributes:
        addresses: "host:port" each; all meet at the first one's port.
        index: from 0.
    """

    addresses: tuple[str, ...]
    index: int


def parse_hosts(text: str, index: int) -> Hosts:
    """Read ``--hosts`` and ``--host-index``.

    Raises:
        ConfigError: an address has no port, or the index is none of theirs.
    """
    addresses = tuple(part.strip() for part in text.split(","))
    for address in addresses:
        if not _ADDRESS.fullmatch(address):
            raise ConfigError(f"--hosts are host:port, parted by commas. Received: {address!r}")
    if len(addresses) < 2:
        raise ConfigError("--hosts names two machines or more; one alone needs no --hosts.")
    if not 0 <= index < len(addresses):
        raise ConfigError(f"--host-index must lie in [0, {len(addresses) - 1}]. Received: {index}")
    return Hosts(addresses, index)
