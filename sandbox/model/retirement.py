"""Who of the dead is remembered one by one: a shell loop has millions of them, and none may cost for ever.

Processes that the scenario names are never forgotten. Of the others so many are kept after their end; whoever ended
before those retires into totals. Kernel, board, history and log hear of the same ends in the same order, and so each
finds by itself who retires.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

#: So many of those that have ended are kept if nobody says otherwise; and at least, because a machine may tell of a
#: child of one that ended so many ends ago.
KEPT, MIN_KEPT, MAX_KEPT = 2_000, 1_100, 1_000_000
#: They retire in batches of this part of those that are kept: what a batch costs is then little for each.
_BATCH = 8


def heirs(parents: Mapping[int, int | None]) -> dict[int, int | None]:
    """To whom the children of each of these pass who retire, given who started them: their nearest ancestor that does
    not retire. None: to nobody."""
    found: dict[int, int | None] = {}
    for pid in sorted(parents):  # parents are older than their children
        parent = parents[pid]
        found[pid] = found.get(parent, parent) if parent is not None else None
    return found


class Dead:
    """Those that have ended and may retire, in the order of their ends."""

    def __init__(self, kept: int = KEPT) -> None:
        self._batch = max(kept // _BATCH, 1)
        self._most = kept + self._batch
        self._pids: deque[int] = deque()
        self._spared: set[int] = set()

    def spare(self, pid: int) -> None:
        """This one never retires: the scenario names it."""
        self._spared.add(pid)

    def add(self, pid: int) -> Sequence[int]:
        """One more has ended; those that retire now, longest dead first."""
        if pid in self._spared:
            return ()
        self._pids.append(pid)
        if len(self._pids) < self._most:
            return ()
        return [self._pids.popleft() for _ in range(self._batch)]

    def copy(self) -> Dead:
        """The same, to go on by itself."""
        dead = Dead.__new__(Dead)
        dead._batch, dead._most = self._batch, self._most
        dead._pids, dead._spared = self._pids.copy(), self._spared.copy()
        return dead
