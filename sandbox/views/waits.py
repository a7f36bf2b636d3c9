"""Events → who waits for whom at one moment: a graph of processes, what they wait for, and who has that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Literal, NamedTuple

from sandbox.model.events import Deadlocked, Waits
from sandbox.model.states import BLOCKED
from sandbox.views.board import Board, Row

By = Literal["seen", "said", "unknown"]


class Wait(NamedTuple):
    """``pid`` waits for the ``resource``, which the ``holders`` have: one of them is enough (``any``), or all have to
    let go. ``since_ns``: since when that is known; ``knot``: the holders over whom a deadlock closes."""

    pid: int
    resource: str
    holders: tuple[int, ...]
    by: By
    any: bool
    since_ns: int
    knot: frozenset[int] = frozenset()

    @property
    def event(self) -> Waits:
        """The same as it is told."""
        return Waits(self.since_ns, self.pid, self.resource, [*self.holders], self.by, self.any)

    @property
    def is_abandoned(self) -> bool:
        """Whether nobody is left who could end it."""
        return not self.holders and self.by != "unknown"

    def is_new(self, now_ns: int, within_ns: int) -> bool:
        """Whether it has only just begun."""
        return now_ns - self.since_ns < within_ns


class WaitGraph(NamedTuple):
    """All waits for others, in order of birth of who waits."""

    waits: tuple[Wait, ...]

    @property
    def pids(self) -> list[int]:
        """Everybody in it."""
        return sorted({wait.pid for wait in self.waits}.union(*(wait.holders for wait in self.waits)))

    @property
    def core(self) -> frozenset[int]:
        """Those in the knot of a deadlock."""
        return frozenset(wait.pid for wait in self.waits if wait.knot)

    def of(self, pid: int) -> list[Wait]:
        """What one waits for; several things where several of its threads do."""
        return [wait for wait in self.waits if wait.pid == pid]

    def chains(self) -> list[list[int]]:
        """Everybody, each beside one for whom it waits as far as that can be: the knot first, then the longest ways."""
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
    """From one to the next for whom it waits, until all of those have been placed."""
    way: list[int] = []
    following: int | None = start
    while following is not None:
        way.append(following)
        placed.add(following)
        following = next((pid for pid in holders[following] if pid not in placed), None)
    return way


def _depth(pid: int, holders: dict[int, list[int]]) -> int:
    """How many one meets on the way along the first holders."""
    seen: set[int] = set()
    while pid not in seen:
        seen.add(pid)
        pid = next(iter(holders[pid]), pid)
    return len(seen)


def wait_graph(board: Board, head: Callable[[int], int] = lambda pid: pid) -> WaitGraph:
    """The waits at this moment. ``head``: as part of whose line a process is shown; a family that is folded into one
    line waits as one, and what its members do among each other is not seen, unless it is part of a knot."""
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
    """What was told of it, and what its threads wait for in a deadlock."""
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
        said = {edge.resource for edge in deadlock.edges if edge.taken}  # only the program itself can say that
        for resource, pids in links.items():
            knot = frozenset(pids).intersection(core)
            by: By = "said" if resource in said else "seen"
            yield Wait(row.pid, resource, tuple(pids), by, len(pids) > 1, deadlock.t_ns, knot)


def _folded(wait: Wait, heads: dict[int, int]) -> Wait | None:
    """The same between lines; None: it stays within one."""
    pid, holders = heads[wait.pid], tuple(dict.fromkeys(heads[holder] for holder in wait.holders))
    if all(name == shown for name, shown in heads.items()):
        return wait
    if holders == (pid,) and not wait.knot:
        return None
    return wait._replace(pid=pid, holders=holders, knot=frozenset(heads[holder] for holder in wait.knot))


def _both(one: Wait, other: Wait) -> Wait:
    """Two members of a family wait for the same."""
    holders = tuple(dict.fromkeys([*one.holders, *other.holders]))
    since_ns = max(one.since_ns, other.since_ns)
    return one._replace(holders=holders, since_ns=since_ns, knot=one.knot | other.knot)
