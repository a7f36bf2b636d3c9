"""The data of one run of which every turn was chosen: the choices, what was chosen, and the outcome."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec
from msgspec import structs

from sandbox.model.events import Change, Clause

if TYPE_CHECKING:
    from sandbox.analysis.exploration.known import Gone

#: The maximum number of turns, after which a run is given up.
MAX_TURNS = 5_000


class Choice(msgspec.Struct, frozen=True, gc=False):
    """The moment before a turn.

    ``candidates``: the processes that can run, which are neither blocked nor spinning; ``last``: the one that ran last;
    ``key``: moments with the same key are the same state, from which everything continues alike (None: it cannot be
    known; "": it was not computed, because there is nothing to choose); ``spins``: the processes that spin.
    """

    candidates: tuple[str, ...]
    last: str | None = None
    key: str | None = None
    spins: tuple[str, ...] = ()
    #: Whether a preemption of the process that ran last is tried late, because it hardly matters here.
    idle: bool = False
    #: The lines before which the processes are that are not blocked, in the order of their names.
    sites: tuple[str, ...] = ()

    @property
    def able(self) -> tuple[str, ...]:
        """The processes that are not blocked. Whether it is known that one spins depends on the way to the state."""
        return tuple(sorted({*self.candidates, *self.spins}))

    @property
    def goes_on(self) -> str | None:
        """The process that ran last, if it can go on; otherwise None."""
        return self.last if self.last in self.candidates else None

    def preempts(self, name: str) -> bool:
        """Whether the turn of this process preempts one that could have gone on."""
        return self.goes_on not in (None, name)

    def without_last(self) -> Choice:
        """Return the choice as it is if the process that ran last spins."""
        candidates = tuple(name for name in self.candidates if name != self.last)
        return structs.replace(self, candidates=candidates, spins=(*self.spins, self.last or ""))

    @property
    def default(self) -> str:
        """The process that runs by default: the one that ran last, if possible, which costs no preemption."""
        return self.goes_on or self.candidates[0]


class Touch(msgspec.Struct, frozen=True, gc=False):
    """What a turn reads and writes of what several processes see."""

    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()

    @property
    def is_nothing(self) -> bool:
        """Whether the turn has no effect that others can see."""
        return not self.reads and not self.writes

    def is_apart_from(self, other: Touch) -> bool:
        """Whether the order of the two turns makes no difference."""
        return self.writes.isdisjoint(other.writes | other.reads) and self.reads.isdisjoint(other.writes)


class Start(msgspec.Struct, frozen=True, array_like=True):
    """How to get fast to a known state.

    ``stretches``: whose turns, how many of them at once, and whether no other process is involved in them; ``key``:
    that of the state.
    """

    stretches: tuple[tuple[str, int, bool], ...]
    key: str

    @property
    def turns(self) -> int:
        """The number of turns that lead there."""
        return sum(lines for _, lines, _ in self.stretches)


class Turn(msgspec.Struct, frozen=True, gc=False):
    """One turn: the process, the line that it ran, and what has changed."""

    who: str
    file: str = ""
    line: int = 0
    changed: tuple[Change, ...] = ()
    wrote: str = ""
    #: What the process has come to: it blocks, spins, or ends.
    then: Clause | None = None


class Outcome(msgspec.Struct, frozen=True):
    """The outcome of a run.

    ``broken``: what is wrong with it; ``printed``: which process wrote what, in this order; ``exits``: the exit status
    of each process, None if it has not ended; ``shared``: the last values of shared variables.
    """

    broken: tuple[Clause, ...] = ()
    printed: tuple[tuple[str, str], ...] = ()
    exits: tuple[tuple[str, int | None], ...] = ()
    shared: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> bytes:
        """A key that is the same for equal outcomes."""
        return msgspec.json.encode(self)


class Run(msgspec.Struct, frozen=True):
    """A run: a choice before each turn, the process that was chosen, and the outcome.

    ``kept``: whether the given order could be kept; ``ended``: whether the run was not given up; ``met``: whether it
    was ended at its last choice because the rest is known; ``touches``: what each turn has touched that others see
    (None: unknown); ``alone``: for each turn, whether no other process was involved; ``skipped``: how many turns only
    led to a known state; they are not reported, so the first choice is the one after them.
    """

    choices: list[Choice]
    order: list[str]
    outcome: Outcome
    turns: list[Turn] = []
    kept: bool = True
    ended: bool = True
    met: bool = False
    touches: list[Touch | None] = []
    alone: list[bool] = []
    skipped: int = 0

    @property
    def preemptions(self) -> int:
        """The number of turns that have preempted a process that could have gone on."""
        return sum(choice.preempts(name) for choice, name in zip(self.choices, self.order, strict=False))

    @property
    def switches(self) -> int:
        """The number of turns that were of another process than the turn before."""
        return sum(choice.last not in (None, name) for choice, name in zip(self.choices, self.order, strict=False))


class Runner(Protocol):
    """Makes runs of one program, each starting from the initial state."""

    def run(
        self, order: Sequence[str], roams: bool = False, met: Iterable[Gone] = (), start: Start | None = None
    ) -> Run:
        """Return a run whose first turns are those of these processes.

        The following turns are by ``Choice.default``, or, if it ``roams``, those that lead to states where no run has
        been. ``met``: what has become known elsewhere in the meantime; if only that is left, the run can end.
        ``start``: how to make the beginning of the order faster.
        """
        ...
