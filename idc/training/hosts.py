"""The machines of a multi-host training, as given on the command line."""

import re
from dataclasses import dataclass

from idc.errors import ConfigError

_ADDRESS = re.compile(r"[^\s:,]+:\d{1,5}")


@dataclass(frozen=True)
class Hosts:
    """All machines, and the index of this one.

    Attributes:
        addresses: "host:port" each; all connect to the first one.
        index: from 0.
    """

    addresses: tuple[str, ...]
    index: int


def parse_hosts(text: str, index: int) -> Hosts:
    """Read ``--hosts`` and ``--host-index``.

    Raises:
        ConfigError: an address has no port, or the index is out of range.
    """
    addresses = tuple(part.strip() for part in text.split(","))
    for address in addresses:
        if not _ADDRESS.fullmatch(address):
            raise ConfigError(f"--hosts must be host:port,host:port,... Received: {address!r}")
    if len(addresses) < 2:
        raise ConfigError("--hosts must name two machines or more; omit it on a single one.")
    if not 0 <= index < len(addresses):
        raise ConfigError(f"--host-index must lie in [0, {len(addresses) - 1}]. Received: {index}")
    return Hosts(addresses, index)
