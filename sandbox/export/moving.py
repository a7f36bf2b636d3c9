"""The moving parts of a picture of a run: a board on which processes go from state to state, and a growing chart below.
They are animated by SMIL, without a script; a program that does not support it shows the end of the run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from xml.sax.saxutils import escape

from rich.cells import cell_len

from sandbox.export.inks import DIM, INK, LINE, MARGIN, READY, RUNS, WAITS, WIDTH
from sandbox.export.material import Material
from sandbox.i18n import _
from sandbox.model.states import State
from sandbox.render.cells import fit
from sandbox.util.units import S

#: A run is shown at its own speed within these limits of the total time; then the picture stands still for a while.
_MIN_S, _MAX_S, _HOLD_S = 3.0, 30.0, 2.0
#: The most processes on the board, which are the first ones.
MAX_CHIPS = 12
_GAP = 16
_HEAD, _CHIP, _FOOT = 34, 26, 18
_COLUMNS = (State.READY, State.RUNNING, State.BLOCKED, State.EXITED)
_FILL = {State.READY: READY, State.RUNNING: RUNS, State.BLOCKED: WAITS, State.EXITED: LINE}
#: A place outside the picture.
_AWAY = "-2000 0"


class Board:
    """The board of a recording: each process is a chip in the column of its state."""

    def __init__(self, material: Material) -> None:
        self._material = material
        self._pids = list(material.history.lives)[:MAX_CHIPS]
        self._end_ns = max(material.history.now_ns, 1)
        self._lasts_s = min(max(self._end_ns / S, _MIN_S), _MAX_S) + _HOLD_S
        self._wide = (WIDTH - 2 * MARGIN - 3 * _GAP) / len(_COLUMNS)
        self.height = _HEAD + len(self._pids) * _CHIP + _FOOT

    def draw(self, top: int) -> Iterator[str]:
        """Yield the SVG of the columns and of the chips that move among them."""
        names = dict(zip(_COLUMNS, (_("READY"), _("RUNNING"), _("BLOCKED"), _("DONE")), strict=True))
        for number, state in enumerate(_COLUMNS):
            x = MARGIN + number * (self._wide + _GAP)
            tall = self.height - _FOOT
            yield f'<rect x="{x:.1f}" y="{top}" width="{self._wide:.1f}" height="{tall}" rx="6" fill="none" '
            yield f'stroke="{LINE}"/>\n<text x="{x + 12:.1f}" y="{top + 21}" font-size="14" font-weight="600" '
            yield f'fill="{DIM}">{escape(names[state])}</text>\n'
        for row, pid in enumerate(self._pids):
            yield from self._chip(pid, top + _HEAD + row * _CHIP)

    def uncover(self, left: float, right: float, top: int, bottom: int, drawn: Iterable[str]) -> Iterator[str]:
        """Yield SVG that reveals ``drawn`` between these edges from left to right as time goes by."""
        grown = self._share(self._end_ns)
        wide = right - left
        yield f'<clipPath id="now"><rect x="{left:.1f}" y="{top - 8}" width="{wide:.1f}" height="{bottom - top + 16}">'
        yield f'<animate attributeName="width" values="0;{wide:.1f};{wide:.1f}" keyTimes="0;{grown:.4f};1" '
        yield f'{self._times}/></rect></clipPath>\n<g clip-path="url(#now)">\n'
        yield from drawn
        yield f'</g>\n<path d="M0 {top - 4}V{bottom + 4}" stroke="{INK}" transform="translate({right:.1f} 0)">'
        yield '<animateTransform attributeName="transform" type="translate" '
        yield f'values="{left:.1f} 0;{right:.1f} 0;{right:.1f} 0" keyTimes="0;{grown:.4f};1" {self._times}/></path>\n'

    @property
    def _times(self) -> str:
        return f'dur="{self._lasts_s:.2f}s" repeatCount="indefinite"'

    def _share(self, t_ns: int) -> float:
        """Return the fraction of the animation's time that has passed at ``t_ns``."""
        return t_ns / self._end_ns * (self._lasts_s - _HOLD_S) / self._lasts_s

    def _chip(self, pid: int, y: float) -> Iterator[str]:
        moves = self._moves(pid)
        places = [_AWAY if state is None else f"{self._x(state):.1f} {y:.1f}" for _at, state in moves]
        fills = [_FILL.get(state, LINE) if state is not None else LINE for _at, state in moves]
        inks = ["#ffffff" if state is State.RUNNING else INK for _at, state in moves]
        at = ";".join(f"{share:.4f}" for share, _state in moves)
        how = f'calcMode="discrete" keyTimes="{at}" {self._times}'
        name = f"{pid}  {self._material.name(pid)}"
        wide = self._wide - 24
        yield f'<g transform="translate({places[-1]})"><animateTransform attributeName="transform" type="translate" '
        yield f'values="{";".join(places)}" {how}/><rect width="{wide:.1f}" height="{_CHIP - 6}" rx="4" '
        yield f'fill="{fills[-1]}"><animate attributeName="fill" values="{";".join(fills)}" {how}/></rect>'
        yield f'<text x="8" y="{_CHIP - 11}" font-size="13" fill="{inks[-1]}">{escape(_short(name, wide))}'
        yield f'<animate attributeName="fill" values="{";".join(inks)}" {how}/></text></g>\n'

    def _x(self, state: State) -> float:
        column = _COLUMNS.index(state) if state in _COLUMNS else _COLUMNS.index(State.BLOCKED)
        return MARGIN + column * (self._wide + _GAP) + 12

    def _moves(self, pid: int) -> list[tuple[float, State | None]]:
        """Return the state of a process (None: it has not arrived) from each fraction of the animation's time on."""
        moves: list[tuple[float, State | None]] = [(0.0, None)]
        stretches = [each for each in self._material.stretches if each.pid == pid]
        for stretch in stretches:
            _append(moves, self._share(stretch.start_ns), stretch.state)
        if stretches and self._material.history.lives[pid].exited is not None:
            _append(moves, self._share(stretches[-1].end_ns), State.EXITED)
        return moves


def _append(moves: list[tuple[float, State | None]], share: float, state: State) -> None:
    """Append a move; it replaces the last one if both come at the same time."""
    if round(moves[-1][0], 4) == round(share, 4):
        moves.pop()
    moves.append((share if moves else 0.0, state))


def _short(name: str, wide: float) -> str:
    return fit(name, min(cell_len(name), int(wide / 8)))
