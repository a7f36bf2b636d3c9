"""Network addresses as people write them: ``127.0.0.1:9001``, ``localhost:0``, ``[::1]:9001``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import socket

DEFAULT = "127.0.0.1:9001"
_ADDRESS = re.compile(r"(?:\[([0-9A-Fa-f:.%]+)\]|([^\s:\[\]/]+)):(\d{1,5})", re.ASCII)
_MAX_PORT = 65_535
#: The addresses that mean all interfaces, with the loopback address of the same family.
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - programs listen there only on request


class Address(NamedTuple):
    """A host and port. ``host``: a name or a numeric address; ``port`` 0 leaves the choice to the system."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this computer can reach the address. Resolve names first: the result for a name is False."""
        return self.host.startswith("127.") or self.host == "::1"

    @property
    def here(self) -> Address:
        """The address with which a client on this computer reaches a server listening at this address: the loopback
        instead of all interfaces."""
        return Address(EVERYWHERE.get(self.host, self.host), self.port)


def parse_address(text: str) -> Address:
    """Parse an address as written. Raises ValueError."""
    match = _ADDRESS.fullmatch(text.strip())
    if match is None or int(match[3]) > _MAX_PORT:
        raise ValueError(text)
    return Address(match[1] or match[2], int(match[3]))


def resolve(address: Address) -> tuple[socket.AddressFamily, Address]:
    """Resolve the host's name: return the address family and the numeric address. Raises OSError."""
    import socket  # imported here because parsing an address does not need it

    family, _, _, _, found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
    return family, Address(str(found[0]), int(found[1]))


def of_socket(name: tuple[Any, ...]) -> Address:
    """Convert an address from the form that sockets return."""
    return Address(str(name[0]), int(name[1]))
