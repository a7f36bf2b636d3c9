"""Addresses of the network as people write them: ``127.0.0.1:9001``, ``localhost:0``, ``[::1]:9001``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import socket

DEFAULT = "127.0.0.1:9001"
_ADDRESS = re.compile(r"(?:\[([0-9A-Fa-f:.%]+)\]|([^\s:\[\]/]+)):(\d{1,5})", re.ASCII)
_MAX_PORT = 65_535
#: What stands for all interfaces, and the loopback of its kind.
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - whoever listens there was asked to


class Address(NamedTuple):
    """``host``: a name or a number; ``port`` 0 leaves the choice to the system."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it. Sure for resolved addresses only: a name may mean anything."""
        return self.host.startswith("127.") or self.host == "::1"

    @property
    def here(self) -> Address:
        """Where a client on this machine finds who listens there: every interface includes the loopback."""
        return Address(EVERYWHERE.get(self.host, self.host), self.port)


def parse_address(text: str) -> Address:
    """An address as written. Raises ValueError."""
    match = _ADDRESS.fullmatch(text.strip())
    if match is None or int(match[3]) > _MAX_PORT:
        raise ValueError(text)
    return Address(match[1] or match[2], int(match[3]))


def resolve(address: Address) -> tuple[socket.AddressFamily, Address]:
    """The number behind a host's name, and its family. Raises OSError."""
    import socket  # whoever only reads an address has no use for it

    family, _, _, _, found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
    return family, Address(str(found[0]), int(found[1]))


def of_socket(name: tuple[Any, ...]) -> Address:
    """An address as sockets give it."""
    return Address(str(name[0]), int(name[1]))
