"""Which ended processes are remembered individually, so that a shell loop's millions of them do not fill the memory.

Processes that the scenario names are never forgotten. Of the others, a limited number is kept after their end; older
ones retire: only totals are kept of them. Kernel, board, history and log see the same ends in the same order, so each
finds out on its own which processes retire.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

#: The default, least and greatest number of ended processes to keep. The least is needed because a machine may report
#: a child of a process that ended that many ends ago.
KEPT, MIN_KEPT, MAX_KEPT = 2_000, 1_100, 1_000_000
#: Processes retire in batches of this fraction (1/8) of the kept number, which makes the cost per process small.
_BATCH = 8


def heirs(parents: Mapping[int, int | None]) -> dict[int, int | None]:
    """Map each retiring process to the one that takes over its children: its nearest ancestor that does not retire, or
    None if there is none. ``parents``: the parent of each retiring process (None: none)."""
    found: dict[int, int | None] = {}
    for pid in sorted(parents):  # parents are older than their children
        parent = parents[pid]
        found[pid] = found.get(parent, parent) if parent is not None else None
    return found


class Dead:
    """The ended processes that may retire, in the order of their ends."""

    def __init__(self, kept: int = KEPT) -> None:
        self._batch = max(kept // _BATCH, 1)
        self._most = kept + self._batch
        self._pids: deque[int] = deque()
        self._spared: set[int] = set()

    def spare(self, pid: int) -> None:
        """Exempt a process from retiring, because the scenario names it."""
        self._spared.add(pid)

    def add(self, pid: int) -> Sequence[int]:
        """Add a process that has ended, and return the pids that retire now, earliest end first."""
        if pid in self._spared:
            return ()
        self._pids.append(pid)
        if len(self._pids) < self._most:
            return ()
        return [self._pids.popleft() for _ in range(self._batch)]

    def copy(self) -> Dead:
        """Return an independent copy."""
        dead = Dead.__new__(Dead)
        dead._batch, dead._most = self._batch, self._most
        dead._pids, dead._spared = self._pids.copy(), self._spared.copy()
        return dead
