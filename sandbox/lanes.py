"""The cells of one lane of a Gantt chart, on the screen or in print: who ran is told finer than in cells.

What is past does not change, so a lane that grows computes it once: a frame costs what happened since the last one,
whatever the length of the slices.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, Protocol, TypeVar

from sandbox.history import Stretch
from sandbox.kernel.states import State
from sandbox.units import US, show_duration


class Span(Protocol):
    """Something that lasts from a time to a time; ``end_ns`` None while it lasts."""

    @property
    def start_ns(self) -> int: ...
    @property
    def end_ns(self) -> int | None: ...


class Turn:
    """A process's turn on a CPU, the CPU's ``number``-th; ``end_ns`` None while it lasts."""

    __slots__ = ("end_ns", "number", "pid", "start_ns")

    def __init__(self, pid: int, start_ns: int, number: int) -> None:
        self.pid = pid
        self.start_ns = start_ns
        self.number = number
        self.end_ns: int | None = None


C = TypeVar("C")
P = TypeVar("P", bound=Span)


class Lane(Generic[P, C]):
    """Cells over spans at one scale: cell ``k`` covers ``k * cell_ns`` up to ``(k + 1) * cell_ns``. ``draw`` says
    what they show: from the spans that reach into them, the scale, the time at which the first begins, how many
    they are, and what the time is."""

    def __init__(self, cell_ns: int, draw: Callable[[Sequence[P], int, int, int, int], list[C]]) -> None:
        self.cell_ns = cell_ns
        self._draw = draw
        self._first = 0
        self._past: list[C] = []

    def cells(self, spans: Sequence[P], first: int, count: int, now_ns: int, sure_ns: int) -> list[C]:
        """So many cells from the ``first`` on. ``sure_ns``: nothing before it can change any more."""
        if not self._first <= first <= self._first + len(self._past):
            self._first, self._past = first, []
        del self._past[: first - self._first]
        self._first = first
        past = self._past[:count]
        from_ns = (first + len(past)) * self.cell_ns
        fresh = self._draw(_since(spans, from_ns), self.cell_ns, from_ns, count - len(past), now_ns)
        if len(past) == len(self._past):
            self._past += fresh[: max(sure_ns // self.cell_ns - first - len(past), 0)]
        return past + fresh


def _since(spans: Sequence[P], from_ns: int) -> list[P]:
    """The spans that end after ``from_ns``, oldest first."""
    found: list[P] = []
    for span in reversed(spans):
        if span.end_ns is not None and span.end_ns <= from_ns:
            break
        found.append(span)
    found.reverse()
    return found


#: What a cell of a process's lane shows. One that ran up to some point fills the left end of the cell so far; one that
#: began at some point fills the right end, for which terminals have fewer signs.
NOTHING, READY, BLOCKED = " ", "░", "·"
_UP_TO = " ▏▎▍▌▋▊▉█"
_FROM = " ▕▕▐▐▐██" + "█"
_STRETCH = re.compile(f"[{_UP_TO[1:]}▕▐]+|{READY}+|{BLOCKED}+|{NOTHING}+")
_TONES = {NOTHING: "text", READY: "ready", BLOCKED: "blocked"}


def shapes(cells: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Cells as they are drawn, neighbours of one tone together: the text, and its style's name in the palette."""
    for stretch in _STRETCH.findall("".join(cells)):
        yield stretch, _TONES.get(stretch[0], "running")


def life_cells(stretches: Sequence[Stretch], cell_ns: int, from_ns: int, count: int, now_ns: int) -> list[str]:
    """One process: how much of each cell it ran and at which end of it, else where it was at the cell's end."""
    ran_ns = [0] * count
    begun_ns = [0] * count  # where in the cell it ran first
    state: list[State | None] = [None] * count
    for stretch in stretches:
        start_ns = stretch.start_ns - from_ns
        end_ns = (now_ns if stretch.end_ns is None else stretch.end_ns) - from_ns
        for index in range(max(start_ns // cell_ns, 0), min(-(-end_ns // cell_ns), count)):
            at_ns = index * cell_ns
            inside_ns = min(end_ns, at_ns + cell_ns) - max(start_ns, at_ns)
            if inside_ns <= 0:
                continue
            state[index] = stretch.state
            if stretch.state is State.RUNNING:
                if not ran_ns[index]:
                    begun_ns[index] = max(start_ns - at_ns, 0)
                ran_ns[index] += inside_ns
    return [_cell(*known, cell_ns) for known in zip(ran_ns, begun_ns, state, strict=True)]


def _cell(ran_ns: int, begun_ns: int, state: State | None, cell_ns: int) -> str:
    if ran_ns > 0:
        eighths = max(min(round(ran_ns * 8 / cell_ns), 8), 1)
        to_the_end = begun_ns > 0 and state is State.RUNNING and begun_ns + ran_ns >= cell_ns
        return _FROM[eighths] if to_the_end else _UP_TO[eighths]
    match state:
        case State.READY:
            return READY
        case State.BLOCKED:
            return BLOCKED
    return NOTHING


#: Several turns in one cell, none of them longer than the others together.
MANY = Turn(0, 0, 0)


def cpu_cells(turns: Sequence[Turn], cell_ns: int, from_ns: int, count: int, now_ns: int) -> list[Turn | None]:
    """One CPU: whose turn filled most of each cell; ``MANY`` where nobody's did, None where it was rather idle."""
    most_ns = [0] * count
    busy_ns = [0] * count
    whose: list[Turn | None] = [None] * count
    for turn in turns:
        start_ns = turn.start_ns - from_ns
        end_ns = (now_ns if turn.end_ns is None else turn.end_ns) - from_ns
        for index in range(max(start_ns // cell_ns, 0), min(-(-end_ns // cell_ns), count)):
            inside_ns = min(end_ns, (index + 1) * cell_ns) - max(start_ns, index * cell_ns)
            busy_ns[index] += inside_ns
            if inside_ns > most_ns[index]:
                most_ns[index], whose[index] = inside_ns, turn
    cells: list[Turn | None] = []
    for majority, most, busy in zip(whose, most_ns, busy_ns, strict=True):
        cells.append(None if busy * 2 < cell_ns else majority if most * 2 >= busy else MANY)
    return cells


#: Between two times on a ruler.
_STEPS_NS = tuple(US * 10**power * factor for power in range(12) for factor in (1, 2, 5))
_TICK_CELLS = 12


def ruler(cell_ns: int, first: int, count: int) -> str:
    """Times below so many cells from the ``first`` on, as many as are easy to read."""
    step_ns = next((step for step in _STEPS_NS if step >= cell_ns * _TICK_CELLS), _STEPS_NS[-1])
    marks = [" "] * count
    tick_ns = -(-first * cell_ns // step_ns) * step_ns
    while tick_ns < (first + count) * cell_ns:
        at = tick_ns // cell_ns - first
        text = f"╵{show_duration(tick_ns)}"
        if at + len(text) <= count:
            marks[at : at + len(text)] = text
        tick_ns += step_ns
    return "".join(marks)
