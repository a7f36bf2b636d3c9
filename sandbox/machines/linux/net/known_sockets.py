"""Sockets of our processes as they were reported last, and their holders: several processes may hold the same one."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.machines.linux.net.sock_diag import Tcp
from sandbox.machines.linux.process.child import Child, Mode
from sandbox.machines.linux.procfs import socket_inodes

#: Of so many processes that share a listener it is asked which one has accepted a connection.
_MAX_ACCEPTORS = 8


class KnownSocket:
    """``number``: its own in the events; ``tcp``: what was reported of it last; ``holders``: the processes that are
    known to have it, the first one first."""

    def __init__(self, number: int, tcp: Tcp, holders: list[Child]) -> None:
        self.number = number
        self.tcp = tcp
        self.holders = holders
        #: Whether this round has shown it.
        self.seen = True

    def add_holders(self, others: Iterable[Child]) -> None:
        """These have it, too."""
        self.holders += (child for child in others if child not in self.holders)

    @property
    def living(self) -> list[Child]:
        """Its holders that have not ended."""
        return [child for child in self.holders if child.mode is not Mode.ENDED]


class Listener(KnownSocket):
    """One that listens. ``waiting``: how many connections waited to be accepted, as reported last."""

    waiting = 0

    def owner(self) -> Child | None:
        """The first process that had it."""
        return next(iter(self.living), None)

    def acceptors(self, inode: int) -> list[Child]:
        """Which of its holders has accepted a connection; the owner where that cannot be told."""
        living = self.living[:_MAX_ACCEPTORS]
        return [child for child in living if len(living) > 1 and inode in socket_inodes(child.os_pid)] or living[:1]

    def remove_leavers(self) -> None:
        """Forget those that inherited it and have closed it since, as servers' children do."""
        living = self.living
        heirs = living[1 : _MAX_ACCEPTORS + 1]
        leavers = [child for child in heirs if self.tcp.inode not in socket_inodes(child.os_pid)]
        self.holders = [child for child in living if child not in leavers]

    def serves(self, tcp: Tcp) -> bool:
        """Whether a connection came through this listener."""
        own = self.tcp.own
        return own.port == tcp.own.port and own.host in (tcp.own.host, "0.0.0.0", "::")  # noqa: S104 - read, not bound


class Connection(KnownSocket):
    """A connection, and the ``listener`` that it came through, if that is ours. ``pid``: the owner's, as reported."""

    pid: int | None = None

    def __init__(self, number: int, tcp: Tcp, holders: list[Child], listener: Listener | None) -> None:
        super().__init__(number, tcp, holders)
        self.listener = listener

    def owner(self) -> Child | None:
        """The process that accepted it, until that has handed it to another one; a third process with a copy of it does
        not become the owner."""
        living = self.living
        server = self.listener.owner() if self.listener is not None else None
        return next((child for child in living if child is not server), next(iter(living), None))
