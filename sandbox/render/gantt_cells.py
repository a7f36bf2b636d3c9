"""The cells of a lane of a Gantt chart, on the screen or in print; running time is shown in eighths of a cell.

The past does not change, so a growing lane computes each cell once: the cost of a frame depends only on what happened
since the last one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from typing import Generic, NamedTuple, TypeVar

from sandbox.util.units import US, show_duration
from sandbox.views.intervals import BLOCKED, GONE, NOBODY, READY, Track

T = TypeVar("T")
C = TypeVar("C")


class Lane(Generic[T, C]):
    """A cache of the cells of one or several tracks at one scale; cell ``k`` covers ``k * cell_ns`` up to
    ``(k + 1) * cell_ns``. ``draw``: computes cells from the track, the scale, the time at which the first begins, their
    number, and the present time."""

    def __init__(self, cell_ns: int, draw: Callable[[T, int, int, int, int], list[C]]) -> None:
        self.cell_ns = cell_ns
        self._draw = draw
        self._first = 0
        self._past: list[C] = []

    def cells(self, track: T, first: int, count: int, now_ns: int, sure_ns: int) -> list[C]:
        """Return ``count`` cells from the ``first`` on. ``sure_ns``: the time before which nothing can change."""
        if not self._first <= first <= self._first + len(self._past):
            self._first, self._past = first, []
        del self._past[: first - self._first]
        self._first = first
        past = self._past[:count]
        from_ns = (first + len(past)) * self.cell_ns
        fresh = self._draw(track, self.cell_ns, from_ns, count - len(past), now_ns)
        if len(past) == len(self._past):
            self._past += fresh[: max(sure_ns // self.cell_ns - first - len(past), 0)]
        return past + fresh


#: Blocks that fill 0 … 8 eighths of their cell from the left.
UP_TO = " ▏▎▍▌▋▊▉█"
#: The same from the right, for which terminals have fewer signs.
_FROM = " ▕▕▐▐▐███"


class Sign(NamedTuple):
    """A cell of a process's lane: its character, and the name of its style in the palette."""

    text: str
    tone: str


NOTHING, WAITS_FOR_CPU, WAITS = Sign(" ", "text"), Sign("░", "ready"), Sign("·", "blocked")
#: Signs of cells in which a process began to wait for a CPU because it arrived or woke.
ARRIVED, WOKE = Sign("▸", "ready"), Sign("↑", "ready")
_SIGNS = {READY: WAITS_FOR_CPU, BLOCKED: WAITS}


def unmarked(sign: Sign) -> Sign:
    """Return the sign for a chart that shows only states, not arrivals and wakeups."""
    return WAITS_FOR_CPU if sign in (ARRIVED, WOKE) else sign


def life_cells(track: Track, cell_ns: int, from_ns: int, count: int, now_ns: int) -> list[Sign]:
    """Return the cells of one process: how much of each cell it ran, and at which end; if it did not run, its state at
    the end of the cell."""
    cells: list[Sign] = []
    known = _known(cell_ns, from_ns, count, now_ns)
    used_ns: int | None = None  # at the end of the cell before; None if nothing changed in that cell
    while len(cells) < known:
        at_ns = from_ns + len(cells) * cell_ns
        value, whole = _steady(track, at_ns, cell_ns, now_ns, GONE)
        if whole:
            cells += [Sign(UP_TO[8], "running") if value > 0 else _SIGNS.get(value, NOTHING)] * whole
            used_ns = None
            continue
        end_ns = min(at_ns + cell_ns, now_ns)
        before_ns, used_ns = track.used_ns(at_ns) if used_ns is None else used_ns, track.used_ns(end_ns)
        cells.append(_changing(track, at_ns, end_ns, used_ns - before_ns, cell_ns))
    return cells[:known] + [NOTHING] * (count - known)


def _known(cell_ns: int, from_ns: int, count: int, now_ns: int) -> int:
    """Return how many of the cells have begun."""
    return max(min(-(-(now_ns - from_ns) // cell_ns), count), 0)


def _steady(track: Track, at_ns: int, cell_ns: int, now_ns: int, before: int) -> tuple[int, int]:
    """Return the value that a track has had since before ``at_ns``, and the number of whole cells from there on in
    which it stays the same. ``before``: the value before the track's first change."""
    index = track.at(at_ns)
    if index < 0:
        end_ns = track.times[0] if track.times else now_ns
        return before, (min(end_ns, now_ns) - at_ns) // cell_ns
    if track.times[index] == at_ns:
        return before, 0
    return track.values[index], (min(track.end_ns(index, now_ns), now_ns) - at_ns) // cell_ns


def _changing(track: Track, at_ns: int, end_ns: int, ran_ns: int, cell_ns: int) -> Sign:
    """Return the sign of a cell in which something changes, or of the last cell."""
    last = track.before(end_ns)
    if last >= 0 and track.values[last] == GONE and track.times[last] > at_ns:
        last -= 1  # show the state before its end
    if last < 0:
        return NOTHING
    return _ran(track, at_ns, last, ran_ns, cell_ns) if ran_ns > 0 else _waited(track, at_ns, last)


def _waited(track: Track, at_ns: int, last: int) -> Sign:
    where, since_ns = track.values[last], track.times[last]
    if where == READY and since_ns >= at_ns:
        if last == 0:
            return ARRIVED
        if track.values[last - 1] == BLOCKED:
            return WOKE
    return _SIGNS.get(where, NOTHING)


def _ran(track: Track, at_ns: int, last: int, ran_ns: int, cell_ns: int) -> Sign:
    index = first = track.at(max(at_ns, track.times[0]))
    while index < last and (
        track.values[index] <= 0 or track.end_ns(index, at_ns + cell_ns) == track.times[index]
    ):  # few steps: a process that becomes ready soon runs or ends
        index += 1
    begun_ns = max(track.times[index] - at_ns, 0)
    eighths = max(min(round(ran_ns * 8 / cell_ns), 8), 1)
    to_the_end = begun_ns > 0 and track.values[last] > 0 and begun_ns + ran_ns >= cell_ns
    beside = track.values[first if to_the_end else last]
    return Sign((_FROM if to_the_end else UP_TO)[eighths], "ran_while_ready" if beside == READY else "running")


def family_cells(tracks: Iterable[Track], cell_ns: int, from_ns: int, count: int, now_ns: int) -> list[Sign]:
    """Return the cells of many processes in one lane: how much of each cell they ran in total, and whether one of them
    was READY at the end of the cell, or else BLOCKED."""
    known = _known(cell_ns, from_ns, count, now_ns)
    ran_ns, waited = [0] * known, [GONE] * known
    for track in tracks:
        _add(track, ran_ns, waited, cell_ns, from_ns, now_ns)
    cells = [_of_many(ran, where, cell_ns) for ran, where in zip(ran_ns, waited, strict=True)]
    return cells + [NOTHING] * (count - known)


def _add(track: Track, ran_ns: list[int], waited: list[int], cell_ns: int, from_ns: int, now_ns: int) -> None:
    """Add one process; the cost depends on the number of cells in which its state changes."""
    cell, used_ns = 0, track.used_ns(from_ns)
    while cell < len(ran_ns):
        at_ns = from_ns + cell * cell_ns
        end_ns = min(at_ns + cell_ns, now_ns)
        last = track.before(end_ns)
        where = track.values[last] if last >= 0 else GONE
        if where > READY or (last >= 0 and track.times[last] > at_ns):
            before_ns, used_ns = used_ns, track.used_ns(end_ns)
            ran_ns[cell] += used_ns - before_ns
            until = cell + 1
        else:
            next_ns = track.end_ns(last, now_ns)
            until = (next_ns - from_ns) // cell_ns if next_ns < now_ns else len(ran_ns)
        if where in _SIGNS:
            waited[cell:until] = [max(where, other) for other in waited[cell:until]]
        cell = until


def _of_many(ran_ns: int, where: int, cell_ns: int) -> Sign:
    if ran_ns == 0:
        return _SIGNS.get(where, NOTHING)
    eighths = max(min(round(ran_ns * 8 / cell_ns), 8), 1)
    return Sign(UP_TO[eighths], "ran_while_ready" if where == READY else "running")


#: Stands for the pid of a cell in a CPU's lane with too many turns to show, and the most turns that are shown.
MANY = -1
_MANY_TURNS = 4
#: A cell with more changes than this is shown as ``MANY`` without further analysis.
_MANY_CHANGES = 64


class Share(NamedTuple):
    """A cell of a CPU's lane: the pid of its first ``eighths``, and the pid of the rest."""

    first: int
    rest: int
    eighths: int = 8


def cpu_cells(track: Track, cell_ns: int, from_ns: int, count: int, now_ns: int) -> list[Share]:
    """Return the cells of one CPU, with the pids of the turns in each; of more than two turns, the longest ones."""
    cells: list[Share] = []
    known = _known(cell_ns, from_ns, count, now_ns)
    while len(cells) < known:
        at_ns = from_ns + len(cells) * cell_ns
        pid, whole = _steady(track, at_ns, cell_ns, now_ns, NOBODY)
        cells += [Share(pid, pid)] * whole if whole else [_share(track, at_ns, cell_ns, now_ns)]
    return cells[:known] + [Share(NOBODY, NOBODY)] * (count - known)


def _share(track: Track, at_ns: int, cell_ns: int, now_ns: int) -> Share:
    first, last = max(track.at(at_ns), 0), track.before(min(at_ns + cell_ns, now_ns))
    if last - first > _MANY_CHANGES:
        return Share(MANY, MANY)
    parts: list[tuple[int, int]] = []  # each pid, and the eighth at which its part ends
    for index in range(first, last + 1):
        if track.values[index] != NOBODY:
            begin = round(max(track.times[index] - at_ns, 0) * 8 / cell_ns)
            end = round(min(track.end_ns(index, now_ns) - at_ns, cell_ns) * 8 / cell_ns)
            if end > begin:
                _append(parts, track.values[index], begin, end)
    return _longest(parts)


def _append(parts: list[tuple[int, int]], pid: int, begin: int, end: int) -> None:
    last, until = parts[-1] if parts else (NOBODY, 0)
    if begin > until:
        parts.append((NOBODY, begin))
    elif last == pid:
        parts.pop()
    parts.append((pid, end))


def _longest(parts: list[tuple[int, int]]) -> Share:
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


#: Possible steps between two times on a ruler, and the least width of a step in cells.
STEPS_NS = tuple(US * 10**power * factor for power in range(12) for factor in (1, 2, 5))
_TICK_CELLS = 12


def ruler(cell_ns: int, first: int, count: int, taken: Set[int] = frozenset()) -> str:
    """Return a line with times below ``count`` cells from the ``first`` on. ``taken``: cells that are used otherwise; a
    time that has no room next to them is only marked by a tick."""
    step_ns = next((step for step in STEPS_NS if step >= cell_ns * _TICK_CELLS), STEPS_NS[-1])
    marks = [" "] * count
    tick_ns = -(-first * cell_ns // step_ns) * step_ns
    while tick_ns < (first + count) * cell_ns:
        at = tick_ns // cell_ns - first
        text = f"╵{show_duration(tick_ns)}"
        if not taken.isdisjoint(range(at, at + len(text) + 1)):
            text = text[:1]
        if at + len(text) <= count:
            marks[at : at + len(text)] = text
        tick_ns += step_ns
    return "".join(marks)
