"""The sockets of our processes as they were last reported."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

from collections.abc import Sequence

from sandbox.machines.linux.net.sock_diag import OWN_HOST, OWN_PORT, Tcp
from sandbox.machines.linux.process.child import Child
from sandbox.util.addresses import EVERYWHERE


class Listener:
    """A listening socket.

    ``number``: its number in events; ``holders``: the processes that have it, beginning with the one to which it
    belongs; ``waiting``: the last reported number of connections that wait to be accepted.
    """

    waiting = 0

    def __init__(self, number: int, tcp: Tcp, holders: list[Child]) -> None:
        self.number = number
        self.tcp = tcp
        self.holders = holders
        #: The last round in which it was seen.
        self.round = 0
        self._any_host = tcp.own.host in EVERYWHERE

    def serves(self, tcp: Tcp) -> bool:
        """Whether a connection came through this listener."""
        mine = self.tcp
        if mine.ends[OWN_PORT] != tcp.ends[OWN_PORT] or mine.family != tcp.family:
            return False
        return self._any_host or mine.ends[OWN_HOST] == tcp.ends[OWN_HOST]


class Connection:
    """A connection.

    ``listener``: the listener of ours that it came through, or None; ``pid``: the owner as reported (None: none yet);
    ``tcp``: its last reported state.
    """

    pid: int | None = None

    def __init__(self, number: int, tcp: Tcp, listener: Listener | None) -> None:
        self.number = number
        self.tcp = tcp
        self.listener = listener
        #: The last round in which it was seen.
        self.round = 0

    def choose_owner(self, holders: Sequence[Child]) -> Child | None:
        """Return the owner among the holders, which are in the order of their admission: the process that accepted the
        connection, until that has passed it to another one. A third process with a copy does not become the owner. None
        if there are no holders."""
        server = next(iter(self.listener.holders), None) if self.listener is not None else None
        return next((child for child in holders if child is not server), next(iter(holders), None))
