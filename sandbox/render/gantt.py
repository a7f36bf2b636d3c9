"""Gantt charts of whole runs as lines of text, for the command line and for panels of the screen.

A line is a list of pieces, each a text and its tone: the name of a style, which each medium shows in its own colours or
in none. Tones carry no information of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, islice

from sandbox.i18n import N_, _
from sandbox.render.cells import fit, fit_name
from sandbox.render.gantt_cells import MANY, Share, cpu_cells, life_cells, ruler, unmarked
from sandbox.util.units import show_duration
from sandbox.views.history import History, Life
from sandbox.views.intervals import NOBODY, Track

Line = list[tuple[str, str]]

#: With more processes than this, a chart has one line per CPU instead of one per process.
MAX_LANES = 12
_MAX_CPUS = 8
_LABEL = 15
_WHOSE = 5
_MIN_CELLS = 10
_LEGEND = N_("█ running  ░ ready  · blocked")
_CPU_LEGEND = N_("the pid that has the CPU  ▒ several in one cell")


def chart(history: History, width: int, span_ns: int | None = None) -> list[Line]:
    """Return the chart of a run: one lane per process, or one line per CPU if there are many, with times below.

    ``width``: in cells. ``span_ns``: the time that the width represents (None: the whole run). Charts of the same span
    can be compared by eye.
    """
    if not history.lives:
        return [[(_("nothing ran"), "dim")]]
    cells, cell_ns = _scale(width - _LABEL, span_ns or history.now_ns)
    lanes = _lanes if len(history.lives) <= MAX_LANES else _cpus
    return [*lanes(history, cells, cell_ns), _times(cells, cell_ns)]


def scene(history: History, width: int, span_ns: int, mark_ns: int) -> list[Line]:
    """Return a chart of the first processes, at most ``MAX_LANES``, with an arrow below at the instant ``mark_ns``."""
    cells, cell_ns = _scale(width - _LABEL, span_ns)
    lanes = [*islice(_lanes(history, cells, cell_ns), MAX_LANES)]
    more = len(history.lives) - len(lanes)
    hint: list[Line] = [[(" " * _LABEL + _more(more), "dim")]] if more > 0 else []
    at, time = _LABEL + mark_ns // cell_ns, show_duration(mark_ns)
    arrow = " " * at + f"▲ {time}" if at < 2 * _LABEL else f"{time} ▲".rjust(at + 1)
    return [*lanes, *hint, _times(cells, cell_ns), [(arrow, "strong")]]


def overlay(first: History, second: History, names: tuple[str, str], width: int) -> list[Line]:
    """Return two runs of one scenario in one chart: each process of the scenario has two lanes, one above the other.

    ``names``: the names of the runs, of at most four cells.
    """
    pairs = [*_pairs(first, second)]
    if not pairs:
        return [[(_("nothing ran"), "dim")]]
    margin = _LABEL + _WHOSE
    cells, cell_ns = _scale(width - margin, max(first.now_ns, second.now_ns))
    lines: list[Line] = []
    for one, other in pairs:
        lines.append([*_label(one), (fit(names[0], _WHOSE), "dim"), *_lane(first, one, cells, cell_ns)])
        whose = (" " * _LABEL + fit(names[1], _WHOSE), "dim")
        lines.append([whose, *_lane(second, other, cells, cell_ns)])
    return [*lines, _times(cells, cell_ns, margin)]


def legend(history: History) -> str:
    """Return the legend for the signs of ``chart``."""
    return _(_LEGEND if len(history.lives) <= MAX_LANES else _CPU_LEGEND)


def _more(number: int) -> str:
    return _("… and {number} more").format(number=number)


def _scale(cells: int, span_ns: int) -> tuple[int, int]:
    """Return the number of cells, and the time in ns that each represents."""
    cells = max(cells, _MIN_CELLS)
    return cells, max(-(-span_ns // cells), 1)


def _times(cells: int, cell_ns: int, margin: int = _LABEL) -> Line:
    return [(" " * margin + ruler(cell_ns, 0, cells), "dim")]


def _label(life: Life) -> Line:
    return [(f"{life.admitted.pid:>3} ", "dim"), (fit_name(life.admitted.name, _LABEL - 5) + " ", "text")]


def _lanes(history: History, cells: int, cell_ns: int) -> Iterator[Line]:
    return ([*_label(life), *_lane(history, life, cells, cell_ns)] for life in history.lives.values())


def _lane(history: History, life: Life, cells: int, cell_ns: int) -> Iterator[tuple[str, str]]:
    signs = [unmarked(sign) for sign in life_cells(life.track, cell_ns, 0, cells, history.now_ns)]
    for tone, group in groupby(signs, key=lambda sign: sign.tone):
        yield "".join(sign.text for sign in group), tone


def _cpus(history: History, cells: int, cell_ns: int) -> Iterator[Line]:
    cpus = history.booted.cpus if history.booted else 1
    for cpu in range(min(cpus, _MAX_CPUS)):
        whose = cpu_cells(history.cpus.get(cpu) or Track(), cell_ns, 0, cells, history.now_ns)
        yield [(f"cpu{cpu}".ljust(_LABEL), "dim"), *_pids(whose)]
    if cpus > _MAX_CPUS:
        yield [(_more(cpus - _MAX_CPUS), "dim")]


def _pids(shares: Sequence[Share]) -> Iterator[tuple[str, str]]:
    """Yield each turn as its pid and a line for its length; a cell belongs to the process that has most of it."""
    whose = [share.first if 2 * share.eighths >= 8 else share.rest for share in shares]
    for pid, group in groupby(whose):
        count = len([*group])
        if pid == NOBODY:
            yield " " * count, "text"
        else:
            label = str(pid)
            yield "▒" * count if pid == MANY or len(label) > count else label.ljust(count, "─"), "running"


def _pairs(first: History, second: History) -> Iterator[tuple[Life, Life]]:
    """Yield the lives of each process of the scenario in both runs."""
    others = {life.admitted.order: life for life in second.lives.values()}
    for life in first.lives.values():
        order = life.admitted.order
        if order is not None and order in others:
            yield life, others[order]
