"""Which processes hold which sockets: a map that is made by reading the descriptors of each process once, however many
processes share a socket."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

from collections import deque
from collections.abc import Container, Iterable, Iterator, Set

from sandbox.machines.linux.process.child import Child, Mode
from sandbox.machines.linux.procfs_files import descriptors, socket_inode

#: The cost of one piece of work, in descriptors that are listed; the cost of starting with a process, and of reading
#: where a descriptor leads, in the same unit.
_PIECE, _COST_OF_A_PROCESS, _COST_OF_READING = 400, 20, 4


class SocketHolders:
    """The holders of sockets by inode, as far as processes have been scanned. Ended processes hold nothing.

    ``open_ones``: the inodes of sockets that are known to be open. A descriptor that has led to one of them is assumed
    to lead there still, until its process is scanned again in turn.
    """

    def __init__(self, open_ones: Container[int]) -> None:
        self._open_ones = open_ones
        self._holders: dict[int, set[Child]] = {}
        #: The sockets of each process by descriptor.
        self._held: dict[Child, dict[int, int]] = {}
        #: Processes that were added and not scanned yet. They may have inherited sockets.
        self._new: deque[Child] = deque()
        #: Processes that were scanned, the one whose last scan is longest ago first.
        self._asked: deque[Child] = deque()
        #: Sockets whose holders have changed.
        self.changed: set[int] = set()
        self._read = 0

    def __contains__(self, inode: int) -> bool:
        return inode in self._holders

    def add(self, child: Child) -> None:
        """Include this process in the scans."""
        self._new.append(child)

    def of(self, inode: int) -> list[Child]:
        """Return the holders of a socket, in the order of their admission."""
        living = [child for child in self._holders.get(inode, ()) if child.mode is not Mode.ENDED]
        living.sort(key=lambda child: child.pid)
        return living

    def ask_new(self) -> Iterator[None]:
        """Scan the processes that were added since the last call, a piece of work at a time."""
        while self._new:
            child = self._new.popleft()
            self._asked.append(child)
            yield from self._ask(child)

    def ask_next(self) -> Iterator[None]:
        """Scan the next process again, because sockets are passed between processes, and closed by one of several
        holders."""
        if self._asked:
            self._asked.rotate(-1)
            yield from self._ask(self._asked[-1], anew=True)

    def find(self, wanted: Set[int], first: Iterable[Child], all_of_them: bool) -> Iterator[None]:
        """Scan processes until holders of all these sockets are found, beginning with ``first``. ``all_of_them``: scan
        all processes, because every holder is wanted."""
        asked: set[Child] = set()
        for child in (*first, *self._asked):
            if not all_of_them and self._holders.keys() >= wanted:
                return
            if child not in asked:
                asked.add(child)
                yield from self._ask(child)

    def sweep(self) -> None:
        """Forget processes that have ended."""
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
