"""Which processes have which sockets: one map, from reading each process's descriptors once, however many processes
share a socket."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

from collections import deque
from collections.abc import Container, Iterable, Iterator, Set

from sandbox.machines.linux.process.child import Child, Mode
from sandbox.machines.linux.procfs_files import descriptors, socket_inode

#: What is done in one piece costs as much as listing so many descriptors; what it costs to begin with a process, and to
#: find out where a descriptor leads.
_PIECE, _COST_OF_A_PROCESS, _COST_OF_READING = 400, 20, 4


class SocketHolders:
    """Holders of sockets by inode, as far as the processes have been asked; who has ended holds nothing any more.

    ``open_ones``: sockets that are known to be open. A descriptor that has led to one of them is taken to lead there
    still, until its process is asked again by turns.
    """

    def __init__(self, open_ones: Container[int]) -> None:
        self._open_ones = open_ones
        self._holders: dict[int, set[Child]] = {}
        #: The sockets of each process by descriptor.
        self._held: dict[Child, dict[int, int]] = {}
        #: Have been added, and may have inherited sockets.
        self._new: deque[Child] = deque()
        #: Have been asked; the one whose last time is longest ago comes first.
        self._asked: deque[Child] = deque()
        #: Sockets whose holders are others than before.
        self.changed: set[int] = set()
        self._read = 0

    def __contains__(self, inode: int) -> bool:
        return inode in self._holders

    def add(self, child: Child) -> None:
        """Ask this one, too."""
        self._new.append(child)

    def of(self, inode: int) -> list[Child]:
        """Who has a socket, in the order of their admission."""
        living = [child for child in self._holders.get(inode, ()) if child.mode is not Mode.ENDED]
        living.sort(key=lambda child: child.pid)
        return living

    def ask_new(self) -> Iterator[None]:
        """Ask those that have been added since the last time, a piece at a time."""
        while self._new:
            child = self._new.popleft()
            self._asked.append(child)
            yield from self._ask(child)

    def ask_next(self) -> Iterator[None]:
        """Ask one again: sockets are handed from one process to another, and closed by one of several."""
        if self._asked:
            self._asked.rotate(-1)
            yield from self._ask(self._asked[-1], anew=True)

    def find(self, wanted: Set[int], first: Iterable[Child], all_of_them: bool) -> Iterator[None]:
        """Ask on until all these sockets are found, these processes first; ``all_of_them``: every holder is wanted, so
        everybody is asked."""
        asked: set[Child] = set()
        for child in (*first, *self._asked):
            if not all_of_them and self._holders.keys() >= wanted:
                return
            if child not in asked:
                asked.add(child)
                yield from self._ask(child)

    def sweep(self) -> None:
        """Forget those that have ended."""
        if any(child.mode is Mode.ENDED for child in self._asked):
            for child in self._asked:
                if child.mode is Mode.ENDED:
                    self._take(child, {})
                    del self._held[child]
            self._asked = deque(child for child in self._asked if child.mode is not Mode.ENDED)

    def _ask(self, child: Child, anew: bool = False) -> Iterator[None]:
        if child.mode is Mode.ENDED:
            return
        before = {} if anew else self._held.get(child, {})
        held = {descriptor: inode for descriptor, inode in before.items() if inode in self._open_ones}
        found: dict[int, int] = {}
        self._read += _COST_OF_A_PROCESS
        for descriptor, target in descriptors(child.os_pid, held):
            self._read += _COST_OF_READING if target else 1
            inode = socket_inode(target) if target else held[descriptor]
            if inode is not None:
                found[descriptor] = inode
            if self._read >= _PIECE:
                self._read = 0
                yield
        self._take(child, found)

    def _take(self, child: Child, found: dict[int, int]) -> None:
        before, after = ({*held.values()} for held in (self._held.get(child, {}), found))
        self._held[child] = found
        for inode in before - after:
            self._holders[inode].discard(child)
            if not self._holders[inode]:
                del self._holders[inode]
        for inode in after - before:
            self._holders.setdefault(inode, set()).add(child)
        self.changed |= before ^ after
