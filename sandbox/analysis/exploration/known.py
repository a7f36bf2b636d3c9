"""What is known of the states that runs have come to, by their keys: for whoever makes runs, to go where nobody was.

A run costs more to begin than to go on with. So one that has come to where all is known goes on by ways that are known,
as long as they lead to where somebody was not chosen yet.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

import msgspec

from sandbox.analysis.exploration.runs import Choice, Touch

#: So many states are looked at for the next one where there is something to try.
_MAX_LOOKED = 4_000


class Gone(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """In the state of this key somebody was chosen, which has led to another one ("": of no key, or that is not known);
    ``is_local``: the turn has touched nothing that others see."""

    key: str
    name: str
    to: str = ""
    is_local: bool = False


class Moment(NamedTuple):
    """What was known in a state of who goes round: where each has been since there was hope for it, who was found to go
    round since, and how often each."""

    seen: dict[str, frozenset[Hashable]]
    spun: frozenset[str]
    rounds: tuple[tuple[str, int], ...]


class Known:
    """All that is known of them. ``moments``: of states to which runs of ours have come."""

    def __init__(self) -> None:
        self._leads: dict[tuple[str, str], str] = {}
        #: Of each state who could be chosen there; who could be, has not been, and makes a difference.
        self._candidates: dict[str, tuple[str, ...]] = {}
        self._fresh: dict[str, tuple[str, ...]] = {}
        self._local: set[str] = set()
        self.moments: dict[str, Moment] = {}
        self._plan: deque[tuple[str, str]] = deque()
        #: Whether the way that was told last leads to where somebody was not chosen.
        self.goes_on = False

    def begin(self) -> None:
        """A run begins."""
        self._plan.clear()
        self.goes_on = False

    def has(self, key: str | None, name: str) -> bool:
        """Whether this one was chosen in this state."""
        return key is not None and (key, name) in self._leads

    def add(self, news: Iterable[Gone]) -> None:
        """What has become known."""
        for key, name, to, is_local in ((each.key, each.name, each.to, each.is_local) for each in news):
            if to or (key, name) not in self._leads:
                self._leads[key, name] = to
            if is_local:
                self._local.add(key)
            self._renew(key)

    def learn(self, choices: Sequence[Choice], names: Sequence[str], touches: Sequence[Touch | None]) -> None:
        """What a run has shown."""
        found: list[Gone] = []
        before: tuple[str, str, bool] | None = None
        for index, choice in enumerate(choices):
            name = names[index] if index < len(names) else None
            if not choice.key:
                continue
            if before is not None:
                found.append(Gone(before[0], before[1], choice.key, before[2]))
                before = None
            self._candidates[choice.key] = choice.candidates
            if name is not None:
                touch = touches[index] if index < len(touches) else None
                before = choice.key, name, touch is not None and touch.is_nothing and name not in choice.spins
        if before is not None:
            found.append(Gone(*before[:2], is_local=before[2]))
        self.add(found)
        for choice in choices:
            if choice.key:
                self._renew(choice.key)

    def _renew(self, key: str) -> None:
        candidates = self._candidates.get(key)
        if candidates is not None:
            untried = tuple(name for name in candidates if (key, name) not in self._leads)
            self._fresh[key] = () if key in self._local else untried

    def untried(self, choice: Choice) -> tuple[str, ...]:
        """Who has not been chosen in this state; nobody, if it makes no difference."""
        if choice.key in self._local:
            return ()
        return tuple(name for name in choice.candidates if not self.has(choice.key, name))

    def way_on(self, choice: Choice) -> str | None:
        """Whose turn leads on, by ways that are known, to where somebody was not chosen."""
        if not (self._plan and self._plan[0][0] == choice.key and self._plan[0][1] in choice.candidates):
            self._plan = self._shortest(choice) if choice.key else deque()
        self.goes_on = bool(self._plan)
        return self._plan.popleft()[1] if self._plan else None

    def _shortest(self, choice: Choice) -> deque[tuple[str, str]]:
        """The shortest way: states, and who is chosen there."""
        assert choice.key is not None
        before: dict[str, tuple[str, str] | None] = {choice.key: None}
        todo = deque([(choice.key, choice.candidates)])
        while todo and len(before) < _MAX_LOOKED:
            key, candidates = todo.popleft()
            for name in candidates:
                to = self._leads.get((key, name), "")
                if not to or to in before:
                    continue
                before[to] = key, name
                if self._fresh.get(to):
                    return _back(to, before)
                todo.append((to, self._candidates.get(to, ())))
        return deque()


def _back(key: str, before: dict[str, tuple[str, str] | None]) -> deque[tuple[str, str]]:
    way: deque[tuple[str, str]] = deque()
    while (step := before[key]) is not None:
        way.appendleft(step)
        key = step[0]
    return way
