"""Export to SVG: a picture of the timeline, with a lane for each CPU and each process, and times below."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TextIO
from xml.sax.saxutils import escape

from rich.cells import cell_len

from sandbox import wording
from sandbox.export import inks
from sandbox.export.inks import DIM, INK, LINE, MARGIN, RUNS, WAITS, WIDTH
from sandbox.export.material import Material
from sandbox.export.moving import Board
from sandbox.i18n import _, ngettext
from sandbox.render.cells import fit
from sandbox.render.gantt_cells import STEPS_NS
from sandbox.util.units import show_duration
from sandbox.views.intervals import BLOCKED, GONE, NOBODY, READY, Track

_LABEL, _HEAD, _FOOT = 130, 64, 60
_MAX_LANE, _MIN_LANE, _HEIGHT_LIKED = 30, 8, 720
#: Pieces narrower than this (in pixels) are drawn together with their neighbours, as one shade.
_NARROWEST = 0.5
_TICKS = 10
_HUES = ("#d3c9f2", "#b5e0e2", "#f2c4d9", "#dfe3a0", "#f0cfae", "#c3cfdd", "#b9c8f5", "#e6bdf0")


class _Piece(NamedTuple):
    """A period of time with one value. ``share``: the fraction of the period in which it was in use."""

    start_ns: int
    end_ns: int
    value: int
    share: float = 1.0


class _Scale:
    """The conversion of times to horizontal coordinates."""

    def __init__(self, until_ns: int) -> None:
        self.until_ns = max(until_ns, 1)
        self.left, self.right = MARGIN + _LABEL, WIDTH - MARGIN

    def x(self, t_ns: int) -> float:
        return self.left + (self.right - self.left) * t_ns / self.until_ns

    @property
    def cell_ns(self) -> int:
        return max(int(self.until_ns * _NARROWEST / (self.right - self.left)), 1)

    def ticks(self) -> range:
        step_ns = next((step for step in STEPS_NS if step * _TICKS >= self.until_ns), STEPS_NS[-1])
        return range(0, self.until_ns + 1, step_ns)


def write(material: Material, file: TextIO, moving: bool = False) -> None:
    """Write the picture, as high as its lanes need. ``moving``: animate it, with a board above the lanes."""
    board = Board(material) if moving else None
    head = _HEAD + (board.height if board is not None else 0)
    lanes = len(material.history.lives) + material.booted.cpus
    lane = max(min((_HEIGHT_LIKED - _HEAD - _FOOT) // max(lanes, 1), _MAX_LANE), _MIN_LANE)
    bottom = head + lanes * lane
    height = bottom + _FOOT
    scale = _Scale(material.history.now_ns)
    file.write(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" style="max-width:100%;height:auto" '
        f'font-family="system-ui, sans-serif" font-size="{min(lane - 2, 15)}">\n'
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>\n'
    )
    file.writelines(_heading(material))
    file.writelines(_grid(scale, head, bottom))
    file.writelines(_labels(material, head, lane))
    if board is not None:
        file.writelines(board.draw(_HEAD))
        file.writelines(board.uncover(scale.left, scale.right, head, bottom, _drawn(material, scale, head, lane)))
    else:
        file.writelines(_drawn(material, scale, head, lane))
    file.write(_legend(height))
    file.write("</svg>\n")


def _labels(material: Material, y: int, lane: int) -> Iterator[str]:
    """Yield the names of the lanes, from top to bottom."""
    names = [f"cpu{cpu}" for cpu in range(material.booted.cpus)]
    names += [f"{pid}  {name}" for pid, name in material.names.items()]
    for number, name in enumerate(names):
        yield _label(name, y + number * lane, lane)


def _drawn(material: Material, scale: _Scale, y: int, lane: int) -> Iterator[str]:
    """Yield the contents of the lanes."""
    for cpu in range(material.booted.cpus):
        yield from _turns(scale, material.history.cpus.get(cpu) or Track(), y, lane)
        y += lane
    for life in material.history.lives.values():
        yield from _life(scale, life.track, y, lane)
        y += lane


def _heading(material: Material) -> Iterator[str]:
    booted = material.booted
    parameters = wording.parameters(booted.parameters)
    said = f"{booted.policy}, {parameters}" if parameters else booted.policy
    machine = ngettext("{machine}, {number} CPU", "{machine}, {number} CPUs", booted.cpus)
    machine = machine.format(machine=_(booted.machine), number=booted.cpus)
    yield _text(material.header.scenario.title, MARGIN, 30, 'font-size="20" font-weight="600"')
    yield _text(f"{said} · {machine}", MARGIN, 50, f'font-size="14" fill="{DIM}"')


def _grid(scale: _Scale, top: int, bottom: int) -> Iterator[str]:
    for t_ns in scale.ticks():
        x = scale.x(t_ns)
        yield f'<path d="M{x:.1f} {top - 4}V{bottom + 4}" stroke="{LINE}"/>\n'
        yield _text(show_duration(t_ns), x, bottom + 20, f'font-size="13" text-anchor="middle" fill="{DIM}"')


def _label(said: str, y: int, lane: int) -> str:
    most = (_LABEL - 8) * 2 // max(min(lane - 2, 15), 1)
    short = fit(said, min(cell_len(said), most))
    return _text(short, MARGIN, y + lane * 0.72, f'fill="{INK}"')


def _life(scale: _Scale, track: Track, y: int, lane: int) -> Iterator[str]:
    """Yield the lane of a process: a tall box while it runs, a low one while it is ready, a line while it waits."""
    drawn = {READY: (0.30, 0.46, inks.READY), BLOCKED: (0.44, 0.14, WAITS)}
    for piece in _pieces(scale, track):
        if piece.value != GONE:
            top, tall, fill = drawn.get(piece.value, (0.12, 0.76, RUNS))
            yield _box(scale, piece, y + lane * top, lane * tall, fill)


def _turns(scale: _Scale, track: Track, y: int, lane: int) -> Iterator[str]:
    for piece in _pieces(scale, track):
        pid, left, right = piece.value, scale.x(piece.start_ns), scale.x(piece.end_ns)
        if pid != NOBODY:
            yield _box(scale, piece, y + lane * 0.12, lane * 0.76, _HUES[pid % len(_HUES)])
            if right - left > 9 * len(str(pid)) + 4 and lane >= 12:
                yield _text(str(pid), (left + right) / 2, y + lane * 0.72, 'text-anchor="middle"')


def _pieces(scale: _Scale, track: Track) -> Iterator[_Piece]:
    """Yield the pieces of a track. Pieces too short to be visible are merged, with the share of time in use."""
    cell_ns, index = scale.cell_ns, 0
    while index < len(track):
        start_ns, end_ns = track.times[index], track.end_ns(index, scale.until_ns)
        if end_ns - start_ns >= cell_ns:
            yield _Piece(start_ns, end_ns, track.values[index])
            index += 1
            continue
        until_ns = start_ns + cell_ns
        last = track.before(until_ns)
        if track.end_ns(last, scale.until_ns) - track.times[last] >= cell_ns:
            until_ns = track.times[last]  # the last change is long enough for a piece of its own
        else:
            last += 1
            until_ns = track.times[last] if last < len(track) else scale.until_ns
        used_ns = track.used_ns(until_ns) - track.used_ns(start_ns)
        runs = next((value for value in track.values[index:last] if value > 0), track.values[index])
        if until_ns > start_ns:
            yield _Piece(start_ns, until_ns, runs, used_ns / (until_ns - start_ns) if runs > 0 else 1.0)
        index = max(last, index + 1)


def _box(scale: _Scale, piece: _Piece, y: float, tall: float, fill: str) -> str:
    x = scale.x(piece.start_ns)
    wide = max(scale.x(piece.end_ns) - x, 0.3)
    shade = f' fill-opacity="{max(piece.share, 0.1):.2f}"' if piece.share < 1 else ""
    return f'<rect x="{x:.2f}" y="{y:.1f}" width="{wide:.2f}" height="{tall:.1f}" fill="{fill}"{shade}/>\n'


def _legend(height: int) -> str:
    said = ""
    for number, (fill, name) in enumerate(((RUNS, _("running")), (inks.READY, _("ready")), (WAITS, _("blocked")))):
        x, y = MARGIN + _LABEL + number * 110, height - 22
        tall = (14, 8, 4)[number]
        said += f'<rect x="{x}" y="{y + 7 - tall / 2}" width="24" height="{tall}" fill="{fill}"/>\n'
        said += _text(name, x + 32, y + 12, f'font-size="13" fill="{DIM}"')
    return said


def _text(said: str, x: float, y: float, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{escape(said)}</text>\n'
