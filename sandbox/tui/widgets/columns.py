"""The board: READY, RUNNING, BLOCKED and DONE side by side."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import islice

from rich.cells import cell_len
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip

from sandbox import wording
from sandbox.board import Row
from sandbox.cells import fit, fit_name, flush_right
from sandbox.kernel.states import State
from sandbox.language import N_, _
from sandbox.tui.figures import bar, brief, part
from sandbox.tui.palette import FAILED_SIGN, SIGNS
from sandbox.tui.session import Session
from sandbox.tui.widgets.lines import Lines, Piece, line, window

_NAME_LEAST, _NAME_MOST = 5, 16
#: Below so many cells a column has no room for what its figures mean.
_WIDE = 18
#: A bar of fewer cells tells nothing.
_BAR_LEAST = 5
_WHEEL = 3


class Picked(Message):
    """A process was clicked."""

    def __init__(self, pid: int) -> None:
        super().__init__()
        self.pid = pid


class Column(Lines):
    """Processes of one state. ``means``: what stands at the right."""

    means = ""
    state: State

    def __init__(self, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._session: Session | None = None
        self._chosen: int | None = None
        #: Where the wheel has put the top; None: it is the top, or where the chosen process is.
        self._top: int | None = None
        self._pids: list[int | None] = []

    def show(self, session: Session, chosen: int | None) -> None:
        """Show the present state of the board."""
        if chosen != self._chosen or session is not self._session:
            self._top = None
        self._session, self._chosen = session, chosen
        title = f"{wording.state(self.state)} {len(self.members(session))}"
        self.entitle(title, _(self.means) if self.size.width >= _WIDE else "")
        self.update_lines()

    def members(self, session: Session) -> Collection[int]:
        """The processes to show."""
        raise NotImplementedError

    def in_order(self, session: Session) -> Iterable[int]:
        """The same, first on top."""
        return self.members(session)

    def pieces(self, session: Session, row: Row, width: int) -> list[Piece]:
        """One process's line."""
        raise NotImplementedError

    def draw(self, width: int, height: int) -> list[Strip]:
        """One line a process, and how many more there are."""
        session = self._session
        if session is None:
            return []
        count = len(self.members(session))
        seen = window(count, height, self._top or 0, None if self._top is not None else self._place(session))
        shown = islice(self.in_order(session), seen.first, seen.last)
        strips: list[Strip] = []
        self._pids = []
        if seen.above:
            strips.append(self.more_above(seen, width))
            self._pids.append(None)
        for pid in shown:
            under = self.palette.cursor if pid == self._chosen else None
            strips.append(line(self.pieces(session, session.board.rows[pid], width), width, under))
            self._pids.append(pid)
        if seen.below:
            strips.append(self.more_below(seen, width))
        return strips

    def _place(self, session: Session) -> int | None:
        """Where the chosen process is in this column, if it is."""
        row = session.board.rows.get(self._chosen) if self._chosen is not None else None
        if row is None or row.state is not self.state:
            return None
        return next(index for index, pid in enumerate(self.in_order(session)) if pid == self._chosen)

    def on_click(self, event: events.Click) -> None:
        """Choose the process that was clicked."""
        offset = event.get_content_offset(self)
        if offset is not None and 0 <= offset.y < len(self._pids):
            pid = self._pids[offset.y]
            if pid is not None:
                self.post_message(Picked(pid))

    def on_mouse_scroll_down(self) -> None:
        """Scroll."""
        self._scroll(_WHEEL)

    def on_mouse_scroll_up(self) -> None:
        """Scroll back."""
        self._scroll(-_WHEEL)

    def _scroll(self, by: int) -> None:
        if self._session is not None:
            most = max(len(self.members(self._session)) - self.size.height, 0)
            self._top = max(min((self._top or 0) + by, most), 0)
            self.update_lines()

    def head(self, row: Row, width: int) -> list[Piece]:
        """Pid, sign and name in so many cells: how each line begins."""
        style = self.palette.state(row.state)
        failed = row.exited is not None and row.exited.status not in (0, None)
        sign = FAILED_SIGN if failed else SIGNS[row.state]
        digits = max(len(str(len(self._session.board.rows))), 2) if self._session is not None else 3
        name = max(min(width - digits - 4, _NAME_MOST), _NAME_LEAST)
        return [
            (f"{row.pid:>{digits}} ", self.palette.dim),
            (f"{sign} ", self.palette.failed if failed else style),
            (fit_name(row.name, name) + " ", self.palette.text),
        ]


def cpu_text(session: Session, row: Row, room: int) -> str:
    """CPU time used, and the declared demand where there is one: ``40/90 ms``; shorter where room is short."""
    used_ns, demand_ns = session.cpu_ns(row.pid), row.admitted.demand_ns
    if demand_ns is None:
        return brief(used_ns)
    full = part(min(used_ns, demand_ns), demand_ns)
    return full if len(full) <= room else f"{min(used_ns * 100 // max(demand_ns, 1), 100)}%"


def _room(width: int, pieces: list[Piece]) -> int:
    return max(width - sum(cell_len(text) for text, __ in pieces), 0)


def _labels() -> list[str]:
    """What stands before what is told of a process on a CPU, all of one width."""
    labels = (_("runs"), _("slice"), _("cpu"))
    width = max(map(cell_len, labels)) + 1
    return [fit(label, width) for label in labels]


class ReadyColumn(Column):
    """The ready queue, its head on top."""

    means, state = N_("CPU used"), State.READY

    def members(self, session: Session) -> Collection[int]:
        return session.board.ready

    def pieces(self, session: Session, row: Row, width: int) -> list[Piece]:
        used = cpu_text(session, row, width - 14)
        head = self.head(row, width - len(used))
        return [*head, (flush_right(used, _room(width, head)), self.palette.dim)]


class BlockedColumn(Column):
    """Who waits, and for what."""

    means, state = N_("waits for"), State.BLOCKED

    def members(self, session: Session) -> Collection[int]:
        return session.board.blocked

    def pieces(self, session: Session, row: Row, width: int) -> list[Piece]:
        on = wording.cause(row.on) if row.on is not None else ""
        head = self.head(row, max(width - cell_len(on), width // 2))
        return [*head, (flush_right(on, _room(width, head)), self.palette.blocked)]


class DoneColumn(Column):
    """Who has ended, the latest on top."""

    means, state = N_("turnaround"), State.EXITED

    def members(self, session: Session) -> Collection[int]:
        return session.board.exited

    def in_order(self, session: Session) -> Iterable[int]:
        return reversed(session.board.exited)

    def pieces(self, session: Session, row: Row, width: int) -> list[Piece]:
        exited = row.exited
        assert exited is not None
        if exited.status in (0, None):
            text, style = brief(exited.t_ns - row.admitted.t_ns), self.palette.dim
            if width < _WIDE - 2:
                text = ""
        else:
            by = exited.signal
            text = wording.status(exited) if by is None else wording.signal_name(by).removeprefix("SIG")
            style = self.palette.failed
        head = self.head(row, width - cell_len(text))
        return [*head, (flush_right(text, _room(width, head)), style)]


class RunningColumn(Column):
    """Each mini CPU with its process, and how much of the slice is used; a few lines each where there is room."""

    state = State.RUNNING

    def members(self, session: Session) -> Collection[int]:
        return session.board.running.values()

    def draw(self, width: int, height: int) -> list[Strip]:
        """The CPUs, first on top."""
        session = self._session
        if session is None or session.board.booted is None:
            return []
        cpus = session.board.booted.cpus
        tall = cpus * 5 - 1 <= height
        strips: list[Strip] = []
        self._pids = []
        for cpu in range(cpus):
            lines = self._cpu(session, cpu, width, tall)
            strips += lines
            self._pids += [session.board.running.get(cpu)] * len(lines)
        return strips[:height]

    def _cpu(self, session: Session, cpu: int, width: int, tall: bool) -> list[Strip]:
        palette = self.palette
        pid = session.board.running.get(cpu)
        label: Piece = (f"cpu{cpu} ", palette.dim)
        if pid is None:
            what: Piece = (_("‖ paused"), palette.ready) if session.board.paused else (_("– idle"), palette.dim)
            strips = [line([label, (" ", palette.dim), what], width)]
            return strips + [self.blank(width)] * 4 if tall else strips
        row = session.board.rows[pid]
        under = palette.cursor if pid == self._chosen else None
        head: list[Piece] = [label, (f"{row.pid:>2} ", palette.dim), ("▶ ", palette.running)]
        used_ns = session.now_ns - row.since_ns
        if not tall:
            share = part(min(used_ns, row.slice_ns), row.slice_ns) if row.slice_ns else brief(used_ns)
            name = fit_name(row.name, max(min(_NAME_MOST, width - 11 - len(share)), 4))
            head += [(f"{name} ", palette.strong), (share, palette.running)]
            return [line(head, width, under)]
        runs, turn, total = _labels()
        room = width - cell_len(runs)
        return [
            line([*head, (fit_name(row.name, max(width - 10, 4)), palette.strong)], width, under),
            line([(runs, palette.dim), (fit(row.admitted.runs, room), palette.text)], width),
            line([(turn, palette.dim), *self._turn(used_ns, row.slice_ns, room)], width),
            line([(total, palette.dim), *self._total(session.cpu_ns(pid), row.admitted.demand_ns, room)], width),
            self.blank(width),
        ]

    def _turn(self, used_ns: int, slice_ns: int | None, width: int) -> list[Piece]:
        if slice_ns is None:
            return [(_("{time}, until it blocks").format(time=brief(used_ns)), self.palette.text)]
        return self._bar(used_ns, slice_ns, width, self.palette.running)

    def _total(self, used_ns: int, demand_ns: int | None, width: int) -> list[Piece]:
        if demand_ns is None:
            return [(brief(used_ns), self.palette.text), ("", self.palette.dim)]
        return self._bar(used_ns, demand_ns, width, self.palette.blocked)

    def _bar(self, used_ns: int, whole_ns: int, width: int, style: Style) -> list[Piece]:
        """So much is used of the whole."""
        used_ns = min(used_ns, whole_ns)
        text = part(used_ns, whole_ns)
        if width - 1 - len(text) < _BAR_LEAST:
            text = f"{used_ns * 100 // max(whole_ns, 1):3}%"
        full, rest = bar(used_ns, whole_ns, max(width - 1 - len(text), 0))
        return [(full, style), (rest, self.palette.dim), (f" {text}", self.palette.text)]
