"""Sockets of our processes as they were told last, and whose they are: several may have the same one."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.machines.linux.net.sock_diag import Tcp
from sandbox.machines.linux.process.child import Child, Mode
from sandbox.machines.linux.procfs import socket_inodes

#: Of so many processes that share a listener it is asked who has accepted a connection.
_ACCEPTORS_MOST = 8


class Held:
    """A socket of our processes as it was told last. ``holders``: those that are known to have it, the first first."""

    def __init__(self, number: int, tcp: Tcp, holders: list[Child]) -> None:
        self.number = number
        self.tcp = tcp
        self.holders = holders
        self.seen = True

    def hold(self, others: Iterable[Child]) -> None:
        """These have it, too."""
        self.holders += (child for child in others if child not in self.holders)

    @property
    def living(self) -> list[Child]:
        """Its holders that have not ended."""
        return [child for child in self.holders if child.mode is not Mode.ENDED]


class Listener(Held):
    """A socket that listens, and how many waited to be accepted when that was told last."""

    waiting = 0

    def owner(self) -> Child | None:
        """Whose it is: the first who had it."""
        return next(iter(self.living), None)

    def acceptors(self, inode: int) -> list[Child]:
        """Who of those that listen has accepted a connection; the owner where that cannot be told."""
        living = self.living[:_ACCEPTORS_MOST]
        return [child for child in living if len(living) > 1 and inode in socket_inodes(child.os_pid)] or living[:1]

    def forget_leavers(self) -> None:
        """Who inherited it has closed it since, as servers' children do."""
        living = self.living
        heirs = living[1 : _ACCEPTORS_MOST + 1]
        leavers = [child for child in heirs if self.tcp.inode not in socket_inodes(child.os_pid)]
        self.holders = [child for child in living if child not in leavers]

    def serves(self, tcp: Tcp) -> bool:
        """Whether a connection came through this listener."""
        own = self.tcp.own
        return own.port == tcp.own.port and own.host in (tcp.own.host, "0.0.0.0", "::")  # noqa: S104


class Connection(Held):
    """A connection. ``pid``: whose it is, as told last."""

    pid: int | None = None

    def __init__(self, number: int, tcp: Tcp, holders: list[Child], listener: Listener | None) -> None:
        super().__init__(number, tcp, holders)
        self.listener = listener

    def owner(self) -> Child | None:
        """Whose it is: of the process that accepted it, until that has given it to another; whoever gets only a copy
        of what a third one has is not meant."""
        living = self.living
        server = self.listener.owner() if self.listener is not None else None
        return next((child for child in living if child is not server), next(iter(living), None))
