"""Sockets of our processes as they were reported last."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

from collections.abc import Sequence

from sandbox.machines.linux.net.sock_diag import OWN_HOST, OWN_PORT, Tcp
from sandbox.machines.linux.process.child import Child
from sandbox.util.addresses import EVERYWHERE


class Listener:
    """One that listens. ``number``: its own in the events; ``holders``: the processes that have it, the first one, to
    which it belongs, first; ``waiting``: how many connections waited to be accepted, as reported last."""

    waiting = 0

    def __init__(self, number: int, tcp: Tcp, holders: list[Child]) -> None:
        self.number = number
        self.tcp = tcp
        self.holders = holders
        #: The last round that has shown it.
        self.round = 0
        self._any_host = tcp.own.host in EVERYWHERE

    def serves(self, tcp: Tcp) -> bool:
        """Whether a connection came through this listener."""
        mine = self.tcp
        if mine.ends[OWN_PORT] != tcp.ends[OWN_PORT] or mine.family != tcp.family:
            return False
        return self._any_host or mine.ends[OWN_HOST] == tcp.ends[OWN_HOST]


class Connection:
    """A connection, and the ``listener`` that it came through, if that is ours. ``pid``: the owner's, as reported;
    ``tcp``: what was reported of it last."""

    pid: int | None = None

    def __init__(self, number: int, tcp: Tcp, listener: Listener | None) -> None:
        self.number = number
        self.tcp = tcp
        self.listener = listener
        #: The last round that has shown it.
        self.round = 0

    def choose_owner(self, holders: Sequence[Child]) -> Child | None:
        """Of those that have it, in the order of their admission: the process that accepted it, until that has handed
        it to another one; a third process with a copy of it does not become the owner."""
        server = next(iter(self.listener.holders), None) if self.listener is not None else None
        return next((child for child in holders if child is not server), next(iter(holders), None))
