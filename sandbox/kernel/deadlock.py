"""Deadlock detection on a wait-for graph: which threads can never go on, because each waits for others of that kind.

The nodes are threads. What a thread waits for is a collection of groups: it can go on once one member of *each* group
lets go. A pipe is one group of all its writers; a lock that several threads share is a group for each of them.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from typing import Generic, NamedTuple, TypeAlias, TypeVar

N = TypeVar("N", bound=Hashable)


class Deadlock(NamedTuple, Generic[N]):
    """The threads that can never go on. ``core``: those in a knot, which are stuck because of each other; ``stuck``:
    the core and all that wait for it; ``abandoned``: those that wait for a thread that has ended (an empty group), or
    for an abandoned one, and not for a knot."""

    stuck: frozenset[N]
    core: frozenset[N]
    abandoned: frozenset[N]


Groups = Collection[frozenset[N]]


class _Group(NamedTuple, Generic[N]):
    """A group, as a vertex of the graph."""

    members: frozenset[N]


_Vertex: TypeAlias = N | _Group[N]


def find(waits: Mapping[N, Groups[N]]) -> Deadlock[N]:
    """Find the deadlocked threads. ``waits``: the groups of each thread whose wait only others can end. A thread that
    is not in it can go on by itself: it runs, sleeps, has a time-out, or waits for a user."""
    lost = _supported(waits, waits)
    core = _knots({node: [group for group in waits[node] if group] for node in lost}, lost)
    stuck = _leading_to(core, waits, lost)
    return Deadlock(stuck, core, lost - stuck)


def _supported(members: Iterable[N], waits: Mapping[N, Groups[N]]) -> frozenset[N]:
    """Return the largest subset of the members in which each has a group that lies entirely within the subset."""
    left = {*members}
    groups: dict[frozenset[N], list[N]] = {}
    for node in left:
        for group in {*waits[node]}:
            groups.setdefault(group, []).append(node)
    of_member: dict[N, list[frozenset[N]]] = {}
    broken: list[frozenset[N]] = []
    for group in groups:
        if group <= left:
            for member in group:
                of_member.setdefault(member, []).append(group)
        else:
            broken.append(group)
    whole = {node: len({*waits[node]}) for node in left}
    gone = [node for node in left if not whole[node]]
    seen = {*broken}
    while broken or gone:
        for node in gone:
            left.discard(node)
            broken += (group for group in of_member.get(node, ()) if group not in seen)
            seen.update(of_member.get(node, ()))
        gone = []
        for group in broken:
            for node in groups[group]:
                whole[node] -= 1
                if not whole[node] and node in left:
                    gone.append(node)
        broken = []
    return frozenset(left)


def _knots(waits: Mapping[N, Groups[N]], lost: frozenset[N]) -> frozenset[N]:
    """Return the threads of the ``lost`` that are stuck because of each other: the strongly connected sets that depend
    on no other thread."""
    core: set[N] = set()
    todo = [lost]
    while todo:
        among = todo.pop()
        for part in _components(among, waits):
            needs = _supported(part, waits)
            if needs == among:
                core |= needs
            elif needs:
                todo.append(needs)
    return frozenset(core)


def _leading_to(core: frozenset[N], waits: Mapping[N, Groups[N]], lost: frozenset[N]) -> frozenset[N]:
    """Return the core, and the threads of the ``lost`` that wait for it, directly or through others."""
    waiters: dict[frozenset[N], list[N]] = {}
    of_member: dict[N, list[frozenset[N]]] = {}
    for node in lost:
        for group in whole_groups(waits[node], lost):
            if group not in waiters:
                for member in group:
                    of_member.setdefault(member, []).append(group)
            waiters.setdefault(group, []).append(node)
    found, todo = {*core}, [*core]
    while todo:
        for group in of_member.pop(todo.pop(), ()):
            new = [node for node in waiters.pop(group, ()) if node not in found]
            found.update(new)
            todo += new
    return frozenset(found)


def whole_groups(groups: Groups[N], within: frozenset[N]) -> Iterator[frozenset[N]]:
    """Return the groups that lie entirely within a set, so that no member can let go."""
    return (group for group in groups if group <= within)


def _components(among: frozenset[N], waits: Mapping[N, Groups[N]]) -> Iterator[list[N]]:
    """Yield the strongly connected components over groups that lie within ``among``, by Tarjan's algorithm. Groups are
    vertices, too, because a thousand threads that all wait for each other would be a million edges otherwise."""
    number: dict[_Vertex[N], int] = {}
    low: dict[_Vertex[N], int] = {}
    stack: list[_Vertex[N]] = []
    on_stack: set[_Vertex[N]] = set()

    def edges(vertex: _Vertex[N]) -> Iterator[_Vertex[N]]:
        if isinstance(vertex, _Group):
            return iter(vertex.members)
        return map(_Group, whole_groups(waits[vertex], among))

    for root in among:
        if root in number:
            continue
        path: list[tuple[_Vertex[N], Iterator[_Vertex[N]]]] = []
        _enter(root, number, low, stack, on_stack)
        path.append((root, edges(root)))
        while path:
            vertex, rest = path[-1]
            for other in rest:
                if other not in number:
                    _enter(other, number, low, stack, on_stack)
                    path.append((other, edges(other)))
                    break
                if other in on_stack:
                    low[vertex] = min(low[vertex], number[other])
            else:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[vertex])
                if low[vertex] == number[vertex]:
                    at = stack.index(vertex) if vertex is not stack[-1] else len(stack) - 1
                    part = stack[at:]
                    del stack[at:]
                    on_stack.difference_update(part)
                    if len(part) > 1:  # a single vertex waits for no member of its component, not even for itself
                        yield [node for node in part if not isinstance(node, _Group)]


def _enter(
    vertex: _Vertex[N],
    number: dict[_Vertex[N], int],
    low: dict[_Vertex[N], int],
    stack: list[_Vertex[N]],
    on_stack: set[_Vertex[N]],
) -> None:
    number[vertex] = low[vertex] = len(number)
    stack.append(vertex)
    on_stack.add(vertex)
