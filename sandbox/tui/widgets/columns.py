"""The board: READY, RUNNING, BLOCKED and DONE side by side."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual import events
from textual.message import Message
from textual.strip import Strip

from sandbox import wording
from sandbox.board import Row
from sandbox.tui.palette import FAILED_SIGN, SIGNS
from sandbox.tui.session import Session
from sandbox.tui.widgets.lines import Lines, Piece, fit, line
from sandbox.units import MS

_NAME_LEAST, _NAME_MOST = 5, 14


class Column(Lines):
    """Processes of one state, the chosen one always in sight. ``title``: what the state is called."""

    title = ""

    class Picked(Message):
        """A process was clicked."""

        def __init__(self, pid: int) -> None:
            super().__init__()
            self.pid = pid

    def __init__(self, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._session: Session | None = None
        self._chosen: int | None = None
        self._top = 0
        self._pids: list[int | None] = []

    def show(self, session: Session, chosen: int | None) -> None:
        """Show the present state of the board."""
        if chosen != self._chosen and chosen is not None:
            self._bring_into_sight(list(self.members(session)), chosen)
        self._session, self._chosen = session, chosen
        self.border_title = f"{self.title} {self.count(session)}"
        self.update_lines()

    def members(self, session: Session) -> Sequence[int]:
        """The processes to show, first on top."""
        raise NotImplementedError

    def count(self, session: Session) -> int:
        """How many there are."""
        return len(self.members(session))

    def pieces(self, session: Session, row: Row, width: int) -> list[Piece]:
        """One process's line."""
        raise NotImplementedError

    def draw(self, width: int, height: int) -> list[Strip]:
        """One line a process, and how many more there are."""
        session = self._session
        if session is None:
            return []
        members = self.members(session)
        self._top = max(min(self._top, len(members) - height), 0)
        shown = list(members)[self._top : self._top + height]
        hidden = len(members) - self._top - len(shown)
        if hidden > 0 and height > 1:
            shown, hidden = shown[:-1], hidden + 1
        self._pids = [*shown]
        strips = [self._line(session, pid, width) for pid in shown]
        if hidden > 0 and height > 1:
            strips.append(line([(f"… {hidden} more", self.palette.dim)], width))
        return strips

    def _line(self, session: Session, pid: int, width: int) -> Strip:
        under = self.palette.cursor if pid == self._chosen else None
        return line(self.pieces(session, session.board.rows[pid], width), width, under)

    def _bring_into_sight(self, members: list[int], pid: int) -> None:
        if pid in members:
            index, height = members.index(pid), max(self.size.height - 1, 1)
            self._top = min(max(self._top, index - height + 1), index)

    def on_click(self, event: events.Click) -> None:
        """Choose the process that was clicked."""
        offset = event.get_content_offset(self)
        if offset is not None and offset.y < len(self._pids):
            pid = self._pids[offset.y]
            if pid is not None:
                self.post_message(self.Picked(pid))

    def on_mouse_scroll_down(self) -> None:
        """Scroll."""
        self._top += 3
        self.update_lines()

    def on_mouse_scroll_up(self) -> None:
        """Scroll back."""
        self._top = max(self._top - 3, 0)
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
            (fit(row.name, name) + " ", self.palette.text),
        ]


def cpu_text(session: Session, row: Row, room: int) -> str:
    """CPU time used, and the declared demand where there is one: ``40/90ms``; shorter where room is short."""
    used_ms = session.cpu_ns(row.pid) // MS
    demand_ns = row.admitted.demand_ns
    if demand_ns is None:
        return f"{used_ms}ms"
    demand_ms = demand_ns // MS
    used_ms = min(used_ms, demand_ms)
    full = f"{used_ms}/{demand_ms}ms"
    return full if len(full) <= room else f"{used_ms * 100 // max(demand_ms, 1)}%"


class ReadyColumn(Column):
    """The ready queue, its head on top."""

    title = "READY"

    def members(self, session: Session) -> Sequence[int]:
        return session.board.ready

    def pieces(self, session: Session, row: Row, width: int) -> list[Piece]:
        used = cpu_text(session, row, width - 14)
        head = self.head(row, width - len(used))
        room = width - sum(cell_len(text) for text, _ in head)
        return [*head, (used.rjust(max(room, 0)), self.palette.dim)]


class BlockedColumn(Column):
    """Who waits, and for what."""

    title = "BLOCKED"

    def members(self, session: Session) -> Sequence[int]:
        return list(session.board.blocked)

    def pieces(self, session: Session, row: Row, width: int) -> list[Piece]:
        on = wording.cause(row.on) if row.on is not None else ""
        head = self.head(row, max(width - len(on), width // 2))
        room = width - sum(cell_len(text) for text, _ in head)
        return [*head, (fit(on, room), self.palette.blocked)]


class DoneColumn(Column):
    """Who has ended, the latest on top."""

    title = "DONE"

    def members(self, session: Session) -> Sequence[int]:
        return list(reversed(session.board.exited))

    def pieces(self, session: Session, row: Row, width: int) -> list[Piece]:
        status = row.exited.status if row.exited is not None else None
        text = "" if status in (0, None) else wording.signal_name(-status) if status < 0 else str(status)
        return [*self.head(row, width - len(text)), (text, self.palette.failed)]


class RunningColumn(Column):
    """Each mini CPU with its process and how much of the slice is used; three lines each where there is room."""

    title = "RUNNING"

    def members(self, session: Session) -> Sequence[int]:
        return list(session.board.running.values())

    def draw(self, width: int, height: int) -> list[Strip]:
        """The CPUs, first on top."""
        session = self._session
        if session is None or session.board.booted is None:
            return []
        cpus = session.board.booted.cpus
        tall = cpus * 4 - 1 <= height
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
            strips = [line([label, ("  – ", palette.dim), ("idle", palette.dim)], width)]
            return strips + [line([], width)] * 3 if tall else strips
        row = session.board.rows[pid]
        under = palette.cursor if pid == self._chosen else None
        head: list[Piece] = [
            label,
            (f"{pid:>3} ", palette.dim),
            ("▶ ", palette.running),
            (fit(row.name, max(min(_NAME_MOST, width - 12), 4)), palette.strong),
        ]
        used_ns = min(session.now_ns - row.since_ns, row.slice_ns or 10**18)
        if not tall:
            share = f" {used_ns // MS}/{row.slice_ns // MS}ms" if row.slice_ns else f" {used_ns // MS}ms"
            return [line([*head, (share, palette.running)], width, under)]
        room = max(width - 26, 4)
        if row.slice_ns is None:
            bar, share = "until it blocks", f" {used_ns // MS}ms"
        else:
            full = min(used_ns * room // row.slice_ns, room)
            bar, share = "█" * full + "░" * (room - full), f" {used_ns // MS}/{row.slice_ns // MS}ms"
        return [
            line(head, width, under),
            line([("     slice ", palette.dim), (bar, palette.running), (share, palette.text)], width),
            line([("     cpu   ", palette.dim), (cpu_text(session, row, width), palette.text)], width),
            line([], width),
        ]
