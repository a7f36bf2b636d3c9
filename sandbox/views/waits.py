"""The wait-for graph at one moment: which processes wait for which resources, and which processes hold these."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Literal, NamedTuple

from sandbox.model.events import Deadlocked, Waits
from sandbox.model.states import BLOCKED
from sandbox.views.board import Board, Row

By = Literal["seen", "said", "unknown"]


class Wait(NamedTuple):
    """``pid`` waits for the ``resource``, which the ``holders`` have: one of them (``any``) or all must release it.
    ``since_ns``: since when that is known; ``knot``: the holders that are in the knot of the same deadlock."""

    pid: int
    resource: str
    holders: tuple[int, ...]
    by: By
    any: bool
    since_ns: int
    knot: frozenset[int] = frozenset()

    @property
    def event(self) -> Waits:
        """This wait as a ``Waits`` event."""
        return Waits(self.since_ns, self.pid, self.resource, [*self.holders], self.by, self.any)

    @property
    def is_abandoned(self) -> bool:
        """Whether no process is left that could end the wait."""
        return not self.holders and self.by != "unknown"

    def is_new(self, now_ns: int, within_ns: int) -> bool:
        """Whether the wait began less than ``within_ns`` ago."""
        return now_ns - self.since_ns < within_ns


class WaitGraph(NamedTuple):
    """All waits for other processes, in order of birth of the waiting process."""

    waits: tuple[Wait, ...]

    @property
    def pids(self) -> list[int]:
        """All processes in the graph, sorted."""
        return sorted({wait.pid for wait in self.waits}.union(*(wait.holders for wait in self.waits)))

    @property
    def core(self) -> frozenset[int]:
        """The waiting processes in the knot of a deadlock."""
        return frozenset(wait.pid for wait in self.waits if wait.knot)

    def of(self, pid: int) -> list[Wait]:
        """Return the waits of a process: several if several of its threads wait."""
        return [wait for wait in self.waits if wait.pid == pid]

    def chains(self) -> list[list[int]]:
        """Return all processes in chains in which each waits for the next, as far as possible: the knot first, then the
        longest chains."""
        holders: dict[int, list[int]] = {pid: [] for pid in self.pids}
        for wait in self.waits:
            holders[wait.pid] += sorted(wait.holders, key=lambda pid: pid not in wait.knot)
        awaited = {pid for pids in holders.values() for pid in pids}
        core = self.core
        starts = [pid for pid in holders if pid in core]
        starts += sorted(holders, key=lambda pid: (pid in awaited, -_depth(pid, holders), pid))
        placed: set[int] = set()
        return [_way(start, holders, placed) for start in starts if start not in placed]


def _way(start: int, holders: dict[int, list[int]], placed: set[int]) -> list[int]:
    """Return a chain from ``start`` to the next awaited process, and so on, until all of these have been placed."""
    way: list[int] = []
    following: int | None = start
    while following is not None:
        way.append(following)
        placed.add(following)
        following = next((pid for pid in holders[following] if pid not in placed), None)
    return way


def _depth(pid: int, holders: dict[int, list[int]]) -> int:
    """Return the number of processes on the path from ``pid`` along the first holders."""
    seen: set[int] = set()
    while pid not in seen:
        seen.add(pid)
        pid = next(iter(holders[pid]), pid)
    return len(seen)


def wait_graph(board: Board, head: Callable[[int], int] = lambda pid: pid) -> WaitGraph:
    """Return the graph of the present waits. ``head``: maps a process to the one in whose line it is shown. A family
    folded into one line waits as one; waits among its members are left out unless they are part of a knot."""
    waits: dict[tuple[int, str], Wait] = {}
    for row in board.rows.values():
        if row.state is not BLOCKED and (board.deadlock is None or row.pid not in board.deadlock.lively):
            continue
        for wait in _waits_of(row, board.deadlock):
            folded = _folded(wait, {pid: head(pid) for pid in (wait.pid, *wait.holders)})
            if folded is None:
                continue
            before = waits.get((folded.pid, folded.resource))
            waits[folded.pid, folded.resource] = folded if before is None else _both(before, folded)
    return WaitGraph(tuple(waits.values()))


def _waits_of(row: Row, deadlock: Deadlocked | None) -> Iterator[Wait]:
    """Yield the reported wait of a process, and the waits of its threads in a deadlock."""
    links: dict[str, list[int]] = {}
    core: Iterable[int] = ()
    if deadlock is not None and row.pid in deadlock.pids:
        core = deadlock.core if row.pid in deadlock.core else ()
        for edge in deadlock.edges:
            if edge.pid == row.pid:
                links.setdefault(edge.resource, []).append(edge.holder)
    told = row.waits_for
    if told is not None:
        holders = [*told.holders, *(pid for pid in links.pop(told.resource, ()) if pid not in told.holders)]
        knot = frozenset(holders).intersection(core)
        yield Wait(row.pid, told.resource, tuple(holders), told.by, told.any, told.t_ns, knot)
    if deadlock is not None:
        said = {edge.resource for edge in deadlock.edges if edge.taken}  # only the program itself can report that
        for resource, pids in links.items():
            knot = frozenset(pids).intersection(core)
            by: By = "said" if resource in said else "seen"
            yield Wait(row.pid, resource, tuple(pids), by, len(pids) > 1, deadlock.t_ns, knot)


def _folded(wait: Wait, heads: dict[int, int]) -> Wait | None:
    """Return the wait between lines, or None if it stays within one line."""
    pid, holders = heads[wait.pid], tuple(dict.fromkeys(heads[holder] for holder in wait.holders))
    if all(name == shown for name, shown in heads.items()):
        return wait
    if holders == (pid,) and not wait.knot:
        return None
    return wait._replace(pid=pid, holders=holders, knot=frozenset(heads[holder] for holder in wait.knot))


def _both(one: Wait, other: Wait) -> Wait:
    """Merge the waits of two members of a family for the same resource."""
    holders = tuple(dict.fromkeys([*one.holders, *other.holders]))
    since_ns = max(one.since_ns, other.since_ns)
    return one._replace(holders=holders, since_ns=since_ns, knot=one.knot | other.knot)
