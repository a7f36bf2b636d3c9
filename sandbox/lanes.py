"""The cells of one lane of a Gantt chart, on the screen or in print: who ran is told in eighths of a cell.

What is past does not change, so a lane that grows computes it once: a frame costs what happened since the last one,
whatever the length of the slices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

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
    """A process's turn on a CPU; ``end_ns`` None while it lasts."""

    __slots__ = ("end_ns", "pid", "start_ns")

    def __init__(self, pid: int, start_ns: int) -> None:
        self.pid = pid
        self.start_ns = start_ns
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


#: A block that fills the left end of its cell, by eighths.
UP_TO = " ▏▎▍▌▋▊▉█"
#: The same for the right end, for which terminals have fewer signs.
_FROM = " ▕▕▐▐▐███"


class Sign(NamedTuple):
    """A cell of a process's lane: what is drawn in it, and the name of its style in the palette."""

    text: str
    tone: str


NOTHING, READY, BLOCKED = Sign(" ", "text"), Sign("░", "ready"), Sign("·", "blocked")
_SIGNS = {State.READY: READY, State.BLOCKED: BLOCKED}


def life_cells(stretches: Sequence[Stretch], cell_ns: int, from_ns: int, count: int, now_ns: int) -> list[Sign]:
    """One process: how much of each cell it ran and at which end of it; else where it was at the cell's end."""
    ran_ns = [0] * count
    begun_ns = [0] * count  # where in the cell it ran first
    first: list[State | None] = [None] * count
    last: list[State | None] = [None] * count
    for stretch in stretches:
        start_ns = stretch.start_ns - from_ns
        end_ns = (now_ns if stretch.end_ns is None else stretch.end_ns) - from_ns
        for index in range(max(start_ns // cell_ns, 0), min(-(-end_ns // cell_ns), count)):
            at_ns = index * cell_ns
            inside_ns = min(end_ns, at_ns + cell_ns) - max(start_ns, at_ns)
            if inside_ns <= 0:
                continue
            first[index] = first[index] or stretch.state
            last[index] = stretch.state
            if stretch.state is State.RUNNING:
                if not ran_ns[index]:
                    begun_ns[index] = max(start_ns - at_ns, 0)
                ran_ns[index] += inside_ns
    return [_sign(*known, cell_ns) for known in zip(ran_ns, begun_ns, first, last, strict=True)]


def _sign(ran_ns: int, begun_ns: int, first: State | None, last: State | None, cell_ns: int) -> Sign:
    if ran_ns <= 0:
        return NOTHING if last is None else _SIGNS.get(last, NOTHING)
    eighths = max(min(round(ran_ns * 8 / cell_ns), 8), 1)
    to_the_end = begun_ns > 0 and last is State.RUNNING and begun_ns + ran_ns >= cell_ns
    beside = first if to_the_end else last
    return Sign((_FROM if to_the_end else UP_TO)[eighths], "ran_while_ready" if beside is State.READY else "running")


#: On a CPU's lane: nobody, and too many to tell.
NOBODY, MANY = 0, -1
_MANY_TURNS = 4


class Share(NamedTuple):
    """A cell of a CPU's lane: the pid that has its first ``eighths``, and the one that has the rest."""

    first: int
    rest: int
    eighths: int = 8


def cpu_cells(turns: Sequence[Turn], cell_ns: int, from_ns: int, count: int, now_ns: int) -> list[Share]:
    """One CPU: whose turns fill each cell; of more than two in one cell, the longest."""
    parts: list[list[tuple[int, int]]] = [[] for _ in range(count)]  # in each cell: pids, and up to which eighth
    for turn in turns:
        start_ns = turn.start_ns - from_ns
        end_ns = (now_ns if turn.end_ns is None else turn.end_ns) - from_ns
        for index in range(max(start_ns // cell_ns, 0), min(-(-end_ns // cell_ns), count)):
            at_ns = index * cell_ns
            begin = round(max(start_ns - at_ns, 0) * 8 / cell_ns)
            end = round(min(end_ns - at_ns, cell_ns) * 8 / cell_ns)
            if end > begin:
                _append(parts[index], turn.pid, begin, end)
    return [_share(cell) for cell in parts]


def _append(parts: list[tuple[int, int]], pid: int, begin: int, end: int) -> None:
    last, until = parts[-1] if parts else (NOBODY, 0)
    if begin > until:
        parts.append((NOBODY, begin))
    elif last == pid:
        parts.pop()
    parts.append((pid, end))


def _share(parts: list[tuple[int, int]]) -> Share:
    if not parts or parts[-1][1] < 8:
        parts = [*parts, (NOBODY, 8)]
    if len(parts) > _MANY_TURNS:
        return Share(MANY, MANY)
    while len(parts) > 2:
        begins = (0, *(end for _, end in parts))
        shortest = min(range(len(parts)), key=lambda index: parts[index][1] - begins[index])
        kept = [part for index, part in enumerate(parts) if index != shortest]
        if shortest == len(parts) - 1:
            kept[-1] = (kept[-1][0], 8)
        parts = kept
    if len(parts) == 1 or parts[0][0] == parts[1][0]:
        return Share(parts[0][0], parts[0][0])
    return Share(parts[0][0], parts[1][0], parts[0][1])


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
