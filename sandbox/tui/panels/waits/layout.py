"""The layout of the wait-for graph: processes, the resources they wait for, and lines between them; pure geometry.

A waiting process stands at the left of the process that it waits for, with the resource on the line between the two.
Other lines leave their resource at the right, run below that row, and enter a process from below, or from above if it
stands in the next row; longer lines run through the left margin. Lines of one resource to the same holders form one
*net*: they join, while lines of different nets only cross.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from textual.geometry import Region

from sandbox.tui.widgets.canvas import Point
from sandbox.views.waits import Wait, WaitGraph

#: Directions in which a line leaves a cell, as bits.
LEFT, RIGHT, UP, DOWN = 1, 2, 4, 8
#: Cells around the label of a wait: ``─[`` and ``]─▶``.
AROUND = 5
#: Cells between two chains in a row, and in the margin for each net that runs there.
_GAP, _LANE = 2, 2
#: Graphs with more processes are shown as lists.
MAX_NODES = 64


class Net(NamedTuple):
    """A resource and the processes that hold it. ``knot``: it is part of a deadlock."""

    resource: str
    holders: tuple[int, ...]
    knot: bool


class Link(NamedTuple):
    """A drawn wait. ``label``: the place of the resource's name; ``end``: where its line goes on; ``beside``: the
    holder next to it in the row, or None; ``drops``: whether the line, or a branch of it, leads down."""

    wait: Wait
    label: Region
    end: Point
    beside: int | None
    drops: bool


class Head(NamedTuple):
    """The head of an arrow at a process. ``up``: it comes from below, else from above."""

    at: Point
    net: Net
    up: bool


class Plan(NamedTuple):
    """A complete layout. ``cells``: for each net that passes a cell, the directions in which it leaves the cell."""

    nodes: Mapping[int, Region]
    links: Sequence[Link]
    cells: Mapping[Point, Mapping[Net, int]]
    heads: Sequence[Head]
    height: int


def net_of(wait: Wait) -> Net:
    """Return the net to which a wait belongs."""
    return Net(wait.resource, tuple(sorted(wait.holders)), bool(wait.knot))


def layout(graph: WaitGraph, names: Mapping[int, int], labels: Mapping[str, int], size: Point) -> Plan | None:
    """Return the layout of a graph, or None if it does not fit. ``names``, ``labels``: the widths of processes and
    resources in cells; ``size``: the room in cells. Each chain has a row of its own if there is room."""
    if len(names) > MAX_NODES:
        return None
    for packed in (False, True):
        margin = 0
        for _ in range(4):
            drawing = _Drawing(graph, names, labels, size[0], margin, packed)
            if drawing.margin <= margin:
                if drawing.height <= size[1] and drawing.fits:
                    return drawing.plan(size[1])
                break
            margin = drawing.margin
    return None


class _Place(NamedTuple):
    row: int
    x: int


class _Drawing:
    """One attempt at a layout: rows are filled from left to right, then lines are led between them."""

    def __init__(
        self,
        graph: WaitGraph,
        names: Mapping[int, int],
        labels: Mapping[str, int],
        width: int,
        margin: int,
        packed: bool,
    ) -> None:
        self._graph, self._names, self._labels = graph, names, labels
        self._width, self._margin, self._packed = width, margin, packed
        self._row, self._x = 0, margin
        self.fits = True
        self._nodes: dict[int, _Place] = {}
        #: Each wait, the place of its label, and the holder next to it.
        self._links: list[tuple[Wait, _Place, int | None]] = []
        for chain in graph.chains():
            self._place(chain)
        self._rows = self._row + 1
        self._wires = _Wires(self._nets(), self._nodes, names)
        self.margin = self._wires.lanes * _LANE + (self._wires.lanes > 0)

    @property
    def height(self) -> int:
        return self._rows + sum(self._wires.tracks.values())

    # Processes

    def _place(self, chain: Sequence[int]) -> None:
        needs = [self._need(pid) for pid in chain]
        if self._x > self._margin:
            self._x += _GAP
            if not self._packed or self._x + sum(needs) > self._width:
                self._next_row()
        begins = True
        for pid, following, need in zip(chain, [*chain[1:], None], needs, strict=True):
            self.fits &= self._margin + need <= self._width
            if not begins and self._x + need > self._width:
                self._next_row()
            elif not begins:
                wait, place, _ = self._links[-1]
                self._links[-1] = wait, place, pid
            begins = False
            self._nodes[pid] = _Place(self._row, self._x)
            self._x += self._names[pid]
            for wait in sorted(self._graph.of(pid), key=lambda wait: following in wait.holders):
                self._links.append((wait, _Place(self._row, self._x), None))
                self._x += self._labels[wait.resource] + AROUND

    def _need(self, pid: int) -> int:
        """Return the width of a process with what it waits for, in cells."""
        return self._names[pid] + sum(self._labels[wait.resource] + AROUND for wait in self._graph.of(pid))

    def _next_row(self) -> None:
        self._row, self._x = self._row + 1, self._margin

    # Lines

    def _end(self, wait: Wait, place: _Place) -> _Place:
        return _Place(place.row, place.x + self._labels[wait.resource] + AROUND - 1)

    def _nets(self) -> dict[Net, tuple[list[_Place], set[int]]]:
        """Return the places from which lines of each net lead down, and the processes they lead to."""
        nets: dict[Net, tuple[list[_Place], set[int]]] = {}
        for wait, place, beside in self._links:
            if others := [pid for pid in wait.holders if pid != beside]:
                net = nets.setdefault(net_of(wait), ([], set()))
                net[0].append(self._branch(wait, place, beside))
                net[1].update(others)
        return nets

    def _branch(self, wait: Wait, place: _Place, beside: int | None) -> _Place:
        """Return where a line leaves its row: at its end, or just before the arrow head if it goes on in the row,
        too."""
        end = self._end(wait, place)
        return end if beside is None else end._replace(x=end.x - 1)

    def plan(self, height: int) -> Plan:
        """Return the plan, with a blank line between rows if there is room."""
        tracks = self._wires.tracks
        spare = int(height >= self.height + sum(not tracks.get(row) for row in range(self._rows - 1)))
        ys, y = [], 0
        for row in range(self._rows):
            ys.append(y)
            y += 1 + (tracks.get(row) or (spare if row < self._rows - 1 else 0))
        nodes = {pid: Region(place.x, ys[place.row], self._names[pid], 1) for pid, place in self._nodes.items()}
        links = []
        for wait, place, beside in self._links:
            end = self._end(wait, place)
            label = Region(place.x + 2, ys[place.row], self._labels[wait.resource], 1)
            drops = any(pid != beside for pid in wait.holders)
            links.append(Link(wait, label, (end.x, ys[end.row]), beside, drops))
        cells, heads = self._wires.draw(ys)
        return Plan(nodes, links, cells, heads, y)


class _Run(NamedTuple):
    """The columns of a net's lines below a row: where lines come down from that row (``drops``), where they rise into
    its processes (``rises``), and where they fall into processes of the next row (``falls``)."""

    drops: list[int]
    rises: list[int]
    falls: list[int]


class _Wires:
    """Leads the nets between the rows. Each net has a track below the rows that it touches, and a lane in the margin if
    there are several such rows."""

    def __init__(
        self,
        nets: Mapping[Net, tuple[Collection[_Place], Collection[int]]],
        nodes: Mapping[int, _Place],
        names: Mapping[int, int],
    ) -> None:
        self._runs: dict[Net, dict[int, _Run]] = {}
        taken = {(place.row, place.x) for sources, _ in nets.values() for place in sources}
        for net, (sources, targets) in nets.items():
            runs = self._runs[net] = {}
            for place in sources:
                _run(runs, place.row).drops.append(place.x)
            lowest = max(place.row for place in sources)
            for pid in sorted(targets):
                row = nodes[pid].row
                below = lowest >= row
                zone = row if below else row - 1
                x = _port(nodes[pid].x, names[pid], zone, taken)
                (_run(runs, zone).rises if below else _run(runs, zone).falls).append(x)
        self._lanes = self._led_in_margin()
        self.lanes = max(self._lanes.values(), default=-1) + 1
        #: The number of tracks below each row, and the track of each net there.
        self.tracks: dict[int, int] = {}
        self._track: dict[tuple[Net, int], int] = {}
        self._lay()

    def _led_in_margin(self) -> dict[Net, int]:
        """Return the lane of each net that touches several rows."""
        lanes: dict[Net, int] = {}
        ends: list[int] = []
        spans = {net: (min(runs), max(runs)) for net, runs in self._runs.items() if len(runs) > 1}
        for net, (first, last) in sorted(spans.items(), key=lambda item: item[1]):
            lane = next((lane for lane, end in enumerate(ends) if end < first), len(ends))
            ends[lane : lane + 1] = [last]
            lanes[net] = lane
        return lanes

    def _lay(self) -> None:
        """Assign each net a track below each row that it touches."""
        spans: dict[int, list[tuple[int, int, Net]]] = {}
        for net, runs in self._runs.items():
            for row, run in runs.items():
                xs = [*run.drops, *run.rises, *run.falls]
                if net in self._lanes:
                    xs.append(self._lanes[net] * _LANE)
                spans.setdefault(row, []).append((min(xs), max(xs), net))
        for row, lines in spans.items():
            ends: list[int] = []
            for first, last, net in sorted(lines, key=lambda line: line[:2]):
                track = next((track for track, end in enumerate(ends) if end + 1 < first), len(ends))
                ends[track : track + 1] = [last]
                self._track[net, row] = track
            self.tracks[row] = len(ends)

    def draw(self, ys: Sequence[int]) -> tuple[dict[Point, dict[Net, int]], list[Head]]:
        """Return the cells of all lines, and the arrow heads. ``ys``: the line of each row."""
        cells: dict[Point, dict[Net, int]] = {}
        heads: list[Head] = []

        def mark(net: Net, points: Iterator[Point], before: int, after: int) -> None:
            path = [*points]
            for place, point in enumerate(path):
                here = cells.setdefault(point, {})
                here[net] = here.get(net, 0) | (before if place else 0) | (after if place < len(path) - 1 else 0)

        for net, runs in self._runs.items():
            levels = []
            for row, run in runs.items():
                y = ys[row] + 1 + self._track[net, row]
                levels.append(y)
                bottom = ys[row] + self.tracks[row]
                xs = [*run.drops, *run.rises, *run.falls]
                if net in self._lanes:
                    xs.append(self._lanes[net] * _LANE)
                mark(net, ((x, y) for x in range(min(xs), max(xs) + 1)), LEFT, RIGHT)
                for x in (*run.drops, *run.rises):
                    mark(net, ((x, at) for at in range(ys[row], y + 1)), UP, DOWN)
                for x in run.falls:
                    mark(net, ((x, at) for at in range(y, bottom + 2)), UP, DOWN)
                heads += [Head((x, ys[row] + 1), net, True) for x in run.rises]
                heads += [Head((x, bottom), net, False) for x in run.falls]
            if net in self._lanes:
                x = self._lanes[net] * _LANE
                mark(net, ((x, y) for y in range(min(levels), max(levels) + 1)), UP, DOWN)
        return cells, heads


def _run(runs: dict[int, _Run], row: int) -> _Run:
    return runs.setdefault(row, _Run([], [], []))


def _port(x: int, width: int, zone: int, taken: set[tuple[int, int]]) -> int:
    """Return the column in which a line enters a process: one that no other line uses, if possible."""
    inside = range(x + 1, x + width - 1)
    port = next((at for at in inside if (zone, at) not in taken), x)
    taken.add((zone, port))
    return port
