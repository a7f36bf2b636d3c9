"""What is known of states, by their keys, so that runs go where none has been before.

It costs more to begin a run than to continue it. So a run that has come to a known state continues on known ways, if
they lead to a state in which a process was not chosen yet.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

import msgspec

from sandbox.analysis.exploration.runs import Choice, Touch

#: How many states are examined in search of one where there is something to try.
_MAX_LOOKED = 4_000


class Gone(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A process was chosen in the state with this key, which has led to another state (``to`` is "" if that has no key
    or is unknown). ``is_local``: whether the turn has touched nothing that others see."""

    key: str
    name: str
    to: str = ""
    is_local: bool = False


class Moment(NamedTuple):
    """What was known in a state of spinning processes: the states in which each has been since something changed, the
    processes that were found to spin since, and how often each was."""

    seen: dict[str, frozenset[Hashable]]
    spun: frozenset[str]
    rounds: tuple[tuple[str, int], ...]


class Known:
    """All that is known of states. ``moments``: for states that were reached by runs in this process."""

    def __init__(self) -> None:
        self._leads: dict[tuple[str, str], str] = {}
        #: For each state, the processes that could be chosen there; those that have not been chosen, if that makes a
        #: difference.
        self._candidates: dict[str, tuple[str, ...]] = {}
        self._fresh: dict[str, tuple[str, ...]] = {}
        self._local: set[str] = set()
        self.moments: dict[str, Moment] = {}
        self._plan: deque[tuple[str, str]] = deque()
        #: Whether the way that was returned last leads to a state in which a process was not chosen.
        self.goes_on = False

    def begin(self) -> None:
        """Begin a run."""
        self._plan.clear()
        self.goes_on = False

    def has(self, key: str | None, name: str) -> bool:
        """Whether this process was chosen in this state."""
        return key is not None and (key, name) in self._leads

    def add(self, news: Iterable[Gone]) -> None:
        """Take in what has become known elsewhere."""
        for key, name, to, is_local in ((each.key, each.name, each.to, each.is_local) for each in news):
            if to or (key, name) not in self._leads:
                self._leads[key, name] = to
            if is_local:
                self._local.add(key)
            self._renew(key)

    def learn(self, choices: Sequence[Choice], names: Sequence[str], touches: Sequence[Touch | None]) -> None:
        """Take in what a run has shown."""
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
        """Return the processes that were not chosen in this state; none, if it makes no difference."""
        if choice.key in self._local:
            return ()
        return tuple(name for name in choice.candidates if not self.has(choice.key, name))

    def way_on(self, choice: Choice) -> str | None:
        """Return whose turn leads, on known ways, to a state in which a process was not chosen; None if there is no
        such way."""
        if not (self._plan and self._plan[0][0] == choice.key and self._plan[0][1] in choice.candidates):
            self._plan = self._shortest(choice) if choice.key else deque()
        self.goes_on = bool(self._plan)
        return self._plan.popleft()[1] if self._plan else None

    def _shortest(self, choice: Choice) -> deque[tuple[str, str]]:
        """Return the shortest such way: states, and the process that is chosen in each."""
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
