"""One run of a program whose every turn was somebody's choice: what could be chosen, what was, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

from sandbox.model.events import Change, Clause

if TYPE_CHECKING:
    from sandbox.analysis.exploration.known import Gone

#: A run of more turns is given up.
MAX_TURNS = 5_000


class Choice(msgspec.Struct, frozen=True, gc=False):
    """The moment before a turn: who can run (who is blocked or spins cannot), who spins, and who ran last. ``key``: two
    moments of one key are one state of the world, from which everything goes on alike; None: that cannot be known; "":
    nobody has asked, because there is nothing to choose."""

    candidates: tuple[str, ...]
    last: str | None = None
    key: str | None = None
    spins: tuple[str, ...] = ()
    #: A switch away from who ran last is one of those that are tried last: it hardly matters here.
    idle: bool = False
    #: Before which line each of those stands who are not blocked, by name.
    sites: tuple[str, ...] = ()

    @property
    def able(self) -> tuple[str, ...]:
        """Who is not blocked; whether it is known yet that one spins depends on the way that leads to a state."""
        return tuple(sorted({*self.candidates, *self.spins}))

    @property
    def goes_on(self) -> str | None:
        """Who ran last, if it can go on."""
        return self.last if self.last in self.candidates else None

    def preempts(self, name: str) -> bool:
        """Whether its turn is taken from somebody who could have gone on."""
        return self.goes_on not in (None, name)

    @property
    def default(self) -> str:
        """Who runs if nobody has a wish: whoever did, as long as that is possible; that costs no preemption."""
        return self.goes_on or self.candidates[0]


class Touch(msgspec.Struct, frozen=True, gc=False):
    """What a turn reads and writes of what several see."""

    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()

    @property
    def is_nothing(self) -> bool:
        """Whether nobody else can tell that it was."""
        return not self.reads and not self.writes

    def is_apart_from(self, other: Touch) -> bool:
        """Whether it makes no difference which of the two comes first."""
        return self.writes.isdisjoint(other.writes | other.reads) and self.reads.isdisjoint(other.writes)


class Start(msgspec.Struct, frozen=True, array_like=True):
    """The way to a state to which runs have come before, for those who only want to be there: whose turns, how many of
    them in one go, and whether nobody else has any part in them. ``key``: that of the state."""

    stretches: tuple[tuple[str, int, bool], ...]
    key: str

    @property
    def turns(self) -> int:
        """How many turns lead there."""
        return sum(lines for _, lines, _ in self.stretches)


class Turn(msgspec.Struct, frozen=True, gc=False):
    """What a turn was: who ran which line, and what has changed."""

    who: str
    file: str = ""
    line: int = 0
    changed: tuple[Change, ...] = ()
    wrote: str = ""
    #: What it has come to at the end of the turn: it blocks, spins, ends.
    then: Clause | None = None


class Outcome(msgspec.Struct, frozen=True):
    """What came of a run. ``broken``: what of it must not be; ``printed``: who wrote what, in this order; ``exits``: of
    each process its status, None where it has not ended; ``shared``: the last values that were seen."""

    broken: tuple[Clause, ...] = ()
    printed: tuple[tuple[str, str], ...] = ()
    exits: tuple[tuple[str, int | None], ...] = ()
    shared: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> bytes:
        """Outcomes of one key are one."""
        return msgspec.json.encode(self)


class Run(msgspec.Struct, frozen=True):
    """A run: before each turn a choice, who was chosen, and what came of it all. ``kept``: whether the order that was
    wished for could be kept; ``ended``: whether the run came to its end, and was not given up; ``met``: it was ended
    where it met a run before, at the last of its choices; ``touches``: what each of its turns has touched of what
    others see (None: that is not known); ``alone``: whether nobody else had any part in it. ``skipped``: so many turns
    only led to where others had been before; of these nothing is told, the first choice is the one after them."""

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
        """How many turns were taken from somebody who could have gone on."""
        return sum(choice.preempts(name) for choice, name in zip(self.choices, self.order, strict=False))

    @property
    def switches(self) -> int:
        """How many turns were somebody else's than the one before."""
        return sum(choice.last not in (None, name) for choice, name in zip(self.choices, self.order, strict=False))


class Runner(Protocol):
    """Makes runs of one program, each in a world of its own."""

    def run(
        self, order: Sequence[str], roams: bool = False, met: Iterable[Gone] = (), start: Start | None = None
    ) -> Run:
        """A run whose first turns are these people's; afterwards ``Choice.default`` says whose, or, where one
        ``roams``, whoever leads to where nobody has been. ``met``: what has become known meanwhile; where that comes
        next, the run can end. ``start``: how the beginning of the order can be had faster."""
        ...
