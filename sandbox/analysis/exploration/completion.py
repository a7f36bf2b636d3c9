"""Counts orders that were not tried because they are equivalent to others.

If a turn touches nothing that other processes see, these may as well have their turns after it, and only that is tried.
The states in which they have had their turns before it were not seen. But they are known: they are the states after
that turn and theirs, less that turn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sandbox.analysis.exploration.counting import Leaf
from sandbox.analysis.exploration.graph import Way

#: The maximum number of unseen states that are considered.
_MAX_STATES = 50_000

Targets = Sequence[int | Leaf]


def completed(
    able: Sequence[tuple[str, ...]], edges: Mapping[Way, Targets], is_local: Callable[[Way], bool]
) -> tuple[list[tuple[str, ...]], dict[Way, Targets]]:
    """Return the graph with the ways that need not be tried, and the states to which they lead."""
    whole = _Completion(able, edges, is_local)
    state = 0
    while state < len(whole.able) < len(able) + _MAX_STATES:
        for name in whole.able[state]:
            whole.targets(state, name)
        state += 1
    return whole.able, whole.edges


class _Completion:
    """Completes a graph. An unseen state is represented by a seen one, less the pending turns of some processes."""

    def __init__(
        self, able: Sequence[tuple[str, ...]], edges: Mapping[Way, Targets], is_local: Callable[[Way], bool]
    ) -> None:
        self.able, self.edges, self._is_local = [*able], dict(edges), is_local
        self._seen = len(able)
        self._numbers: dict[tuple[int, tuple[str, ...]], int] = {}
        self._parts: list[tuple[int, tuple[str, ...]]] = []

    def targets(self, state: int, name: str) -> Targets | None:
        """Return where a way leads; None if unknown."""
        way = state, name
        found = self.edges.get(way)
        if found is None:
            found = self._beyond(state, name) if state >= self._seen else self._after_others(state, name)
            if found is not None:
                self.edges[way] = found
        return found

    def _after_others(self, state: int, name: str) -> Targets | None:
        """Return where a way leads from a seen state, as it is known from states after other turns that touch
        nothing."""
        turns: list[str] = []
        while (found := self.edges.get((state, name))) is None:
            others = (other for other in self.able[state] if other != name and self._is_local((state, other)))
            other = next(others, None)
            if other is None:
                return None
            turns.append(other)
            to = self.edges[state, other][0]
            assert isinstance(to, int), "of ends it is not known what they touch"
            state = to
        return self._less(found, tuple(turns))

    def _beyond(self, state: int, name: str) -> Targets | None:
        seen, pending = self._parts[state - self._seen]
        if name in pending:
            at = pending.index(name)
            return [self._number(seen, pending[:at] + pending[at + 1 :])]
        return self._less(self.targets(seen, name), pending)

    def _less(self, targets: Targets | None, turns: tuple[str, ...]) -> Targets | None:
        """Return these states, less some turns."""
        if targets is None:
            return None
        found: list[int | Leaf] = []
        for to in targets:
            if isinstance(to, Leaf):
                return None
            seen, pending = (to, ()) if to < self._seen else self._parts[to - self._seen]
            found.append(self._number(seen, tuple(sorted((*pending, *turns)))))
        return found

    def _number(self, seen: int, pending: tuple[str, ...]) -> int:
        if not pending:
            return seen
        number = self._numbers.get((seen, pending))
        if number is None:
            number = self._numbers[seen, pending] = len(self.able)
            self._parts.append((seen, pending))
            self.able.append(tuple(sorted({*self.able[seen], *pending})))
        return number
