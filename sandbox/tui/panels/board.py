"""The board panel: the READY, RUNNING, BLOCKED and DONE processes in columns, side by side."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import chain, islice

from rich.cells import cell_len
from rich.style import Style
from textual.app import ComposeResult
from textual.strip import Strip

from sandbox import wording
from sandbox.i18n import N_, _
from sandbox.model.events import Clause, Figure
from sandbox.model.states import State
from sandbox.render.cells import fit, fit_name, flush_right
from sandbox.tui.format import bar, brief, part
from sandbox.tui.palette import FAILED_SIGN, SIGNS, ZOMBIE_SIGN
from sandbox.tui.panels.panel import Panel
from sandbox.tui.state.session import Session
from sandbox.tui.state.tree import folded
from sandbox.tui.widgets.choices import Choice, Processes
from sandbox.tui.widgets.lines import WIDE, Piece, Window, line, width_of
from sandbox.util.units import MS
from sandbox.views.board import Row

#: Bounds of the width of a name, in cells.
_MIN_NAME, _MAX_NAME = 5, 16
#: Cells of the border next to a title.
_TITLE_FRAME = 6
#: Narrower columns do not explain their figures.
_MIN_FOR_TITLE = 16
#: The number of waiting processes that are measured to find the width of their column.
_MAX_MEASURED = 20
#: The columns' usual shares of the width, and their least useful widths in cells; the third column may take more.
_SHARES, _LEAST = (27, 32, 28, 21), (20, 27, 0, 18)
_SHARES_NARROW, _LEAST_NARROW = (19, 22, 26, 13), (15, 19, 0, 13)
_BLOCKED = 2
#: Narrower DONE columns do not name a zombie's parent, which the inspector shows.
_FOR_ZOMBIE = 30
#: Addresses of this machine are shown by their ports only.
_HERE = "127.0.0.1"
#: The holder of an awaited resource, by pid and name.
_HOLDER = re.compile(r"((?:←|→) \d+) \S+$")
#: The least number of cells of a useful bar.
_MIN_BAR = 5


class Column(Processes):
    """A column of processes in one state. ``means``: the meaning of the figures at its right."""

    DEFAULT_CLASSES = "framed"

    means = ""
    means_order = "since"
    state: State

    def update_from(self, session: Session, chosen: int | None) -> None:
        """Show the processes as they are at the point looked at."""
        self.remember(session, chosen)
        number = f"{self.number(session)}"
        if not session.view.listing.plain and (shown := f"{len(self.in_order(session))}") != number:
            number = f"{shown}/{number}"
        name = wording.state(self.state)
        if cell_len(f"{name} {number}") > self.outer_size.width - _TITLE_FRAME:
            name = name.partition(" ")[0]  # of a state's names in two languages, keep the reader's
        title = f"{name} {number}"
        if cell_len(title) > self.outer_size.width - _TITLE_FRAME:
            title = f"{name} {number.partition('/')[0]}"
        self.entitle(title, self.aside(session) if self.size.width >= _MIN_FOR_TITLE else "")
        self.update_lines()

    def members(self, session: Session) -> Collection[int]:
        """Return the pids of the processes to show."""
        raise NotImplementedError

    def number(self, session: Session) -> int:
        """Return the number of processes in this state."""
        return len(self.members(session))

    def aside(self, session: Session) -> str:
        """Return the text at the right of the title."""
        return _(self.means)

    def in_order(self, session: Session) -> Collection[int]:
        """Return the pids that pass the lists' filter, in order from the top."""
        return session.view.listing.pids(self.members(session), session.view)

    def order_at(self, x: int, y: int) -> str | None:
        """Return the order to sort by for a click on the column's border: by name at the top, by the figure at the
        bottom."""
        if y == 0:
            return "name"
        return self.means_order if y == self.outer_size.height - 1 else None

    def pieces(self, session: Session, row: Row, width: int, others: int) -> list[Piece]:
        """Return the pieces of a process's line. ``others``: the number of processes folded into it."""
        raise NotImplementedError

    def summary(self, session: Session, pids: Sequence[int]) -> Piece:
        """Return the text at the right of a line whose process is in another column, for the processes folded into
        it."""
        raise NotImplementedError

    def rows(self, session: Session, width: int, height: int) -> Iterator[Choice[int]]:
        """Yield the lines, each for a process and those folded into it. The top is in sight unless the user has
        scrolled or chosen a process."""
        lines = self._gather(session)
        place = [*lines].index(self.chosen) if self.chosen in lines else None
        if place is None and not self.wheeled:
            self.top = 0

        def shown(seen: Window) -> Iterator[Choice[int]]:
            for head, pids in islice(lines.items(), seen.first, seen.last):
                yield self.row(head, self._pieces(session, session.view.board.rows[head], pids, width), width)

        yield from self.scrolled(len(lines), place, shown, width, height)

    def _gather(self, session: Session) -> dict[int, list[int]]:
        """Return the pids in the column, grouped by the process whose line they are part of; each group is placed where
        its first process is."""
        tree = session.view.tree
        lines: dict[int, list[int]] = {}
        for pid in self.in_order(session):
            lines.setdefault(tree.head(pid), []).append(pid)
        return lines

    def _pieces(self, session: Session, row: Row, pids: Sequence[int], width: int) -> list[Piece]:
        """Return the pieces of a line, which has no pid if its own process is in another column."""
        if row.pid in pids:
            return self.pieces(session, row, width, len(pids) - 1)
        palette = self.palette
        text, style = self.summary(session, pids)
        sign, mark = f"{SIGNS[self.state]} ".rjust(_digits(session) + 3), folded(len(pids))
        if width - len(sign) - len(mark) - cell_len(text) < _MIN_NAME:
            text = ""
        room = min(width - len(sign) - bool(text) - cell_len(text), _MAX_NAME)
        head: list[Piece] = [(sign, palette.state(self.state)), *self.named(row.called, mark, room, palette.dim)]
        return [*head, (flush_right(text, _room(width, head)), style)]

    def head(self, session: Session, row: Row, width: int, others: int) -> list[Piece]:
        """Return the beginning of a line in ``width`` cells: pid, sign, name, and the number of processes folded into
        it."""
        style = self.palette.state(row.state)
        failed = row.exited is not None and row.exited.status not in (0, None)
        sign = ZOMBIE_SIGN if row.zombie_of is not None else FAILED_SIGN if failed else SIGNS[row.state]
        digits, mark = _digits(session), folded(others)
        least = min(cell_len(row.called) + cell_len(mark), _MIN_NAME)
        return [
            (f"{row.pid:>{digits}} ", self.palette.dim),
            (f"{sign} ", self.palette.failed if failed else style),
            *self.named(row.called, mark, max(min(width - digits - 4, _MAX_NAME), least), self.palette.text),
            (" ", self.palette.text),
        ]


def _digits(session: Session) -> int:
    return max(len(str(next(reversed(session.view.board.rows), 0))), 2)


def cpu_text(session: Session, row: Row, room: int) -> str:
    """Return the CPU time used, with the declared demand if there is one: ``40/90 ms``, or a percentage if ``room`` is
    short."""
    used_ns, demand_ns = session.view.cpu_ns(row.pid), row.admitted.demand_ns
    if demand_ns is None:
        return brief(used_ns)
    full = part(min(used_ns, demand_ns), demand_ns)
    return full if len(full) <= room else f"{min(used_ns * 100 // max(demand_ns, 1), 100)}%"


def _room(width: int, pieces: list[Piece]) -> int:
    return max(width - width_of(pieces), 0)


class ReadyColumn(Column):
    """The ready queue, with its head at the top."""

    means, state = N_("CPU used"), State.READY
    means_order = "cpu"

    def members(self, session: Session) -> Collection[int]:
        return session.view.board.ready

    def pieces(self, session: Session, row: Row, width: int, others: int) -> list[Piece]:
        used = cpu_text(session, row, width - 14)
        if width - len(used) <= _digits(session) + 4 + min(cell_len(row.called), _MIN_NAME):
            used = ""  # part of a number would be misleading
        head = self.head(session, row, width - len(used), others)
        return [*head, (flush_right(used, _room(width, head)), self.palette.dim)]

    def summary(self, session: Session, pids: Sequence[int]) -> Piece:
        return brief(sum(map(session.view.cpu_ns, pids))), self.palette.dim


def _brief_cause(session: Session, row: Row) -> str:
    """Return a brief text for what a process waits for: for a held resource, its holder; for a local address, only the
    port, or nothing if the process's name contains it."""
    if row.on is None:
        return ""
    if row.waits_for is not None and (held := wording.held(row.on, row.waits_for, session.view.names)):
        return held
    figures = {name: _briefly(value) for name, value in row.on.figures.items()}
    known = row.name[row.name.rfind(":") :]
    return wording.cause(Clause(row.on.rule, {name: value for name, value in figures.items() if value != known}))


def _briefly(value: Figure) -> Figure:
    """Shorten a figure: drop the host of a local address, and round times of 10 ms or more to ms."""
    if isinstance(value, str):
        return value.removeprefix(_HERE)
    return round(value, -6) if isinstance(value, int) and value >= 10 * MS else value


class BlockedColumn(Column):
    """The blocked processes and what they wait for."""

    means, state = N_("waits for"), State.BLOCKED

    def members(self, session: Session) -> Collection[int]:
        """Return the blocked processes, followed by the stopped ones."""
        board = session.view.board
        return [*board.blocked, *board.stopped] if board.stopped else board.blocked

    def number(self, session: Session) -> int:
        return len(session.view.board.blocked)

    def update_from(self, session: Session, chosen: int | None) -> None:
        super().update_from(session, chosen)
        number = len(session.view.board.stopped)
        if number:
            title = f"{wording.state(State.BLOCKED)} {self.number(session)}  {wording.state(State.STOPPED)} {number}"
            self.entitle(title, "")

    def pieces(self, session: Session, row: Row, width: int, others: int) -> list[Piece]:
        on, mark = _brief_cause(session, row), folded(others)
        name = _digits(session) + 4 + min(cell_len(row.called), _MIN_NAME) + len(mark)  # the reason matters more
        if cell_len(on) > width - name:
            on = _HOLDER.sub(r"\1", on)  # the holder's name stands in its own line
        head = self.head(session, row, max(width - cell_len(on), name), others)
        return [*head, (flush_right(on, _room(width, head)), self.palette.blocked)]

    def wanted(self, session: Session) -> int:
        """Return the width in cells at which none of the first lines is cut."""
        board, digits = session.view.board, _digits(session) + 4
        first = [board.rows[pid] for pid in islice(chain(board.blocked, board.stopped), _MAX_MEASURED)]
        names = ((min(cell_len(row.called), _MAX_NAME), _brief_cause(session, row)) for row in first)
        return max((digits + cells + cell_len(on) for cells, on in names), default=0)

    def summary(self, session: Session, pids: Sequence[int]) -> Piece:
        """Return what the processes wait for, if it is the same for all."""
        rules = {on.rule if (on := session.view.board.rows[pid].on) is not None else "waiting" for pid in pids}
        return wording.cause(Clause(rules.pop())) if len(rules) == 1 else "", self.palette.blocked


class DoneColumn(Column):
    """The processes that have ended, the latest at the top."""

    means, state = N_("turnaround"), State.EXITED

    def members(self, session: Session) -> Collection[int]:
        return session.view.board.exited

    def number(self, session: Session) -> int:
        return len(session.view.board.exited) + session.view.board.retired

    def aside(self, session: Session) -> str:
        """Return the number of retired processes, which are not listed, if there are any."""
        number = session.view.board.retired
        return _("{number} retired").format(number=number) if number else super().aside(session)

    def in_order(self, session: Session) -> Collection[int]:
        return session.view.listing.pids([*reversed(session.view.board.exited)], session.view)

    def pieces(self, session: Session, row: Row, width: int, others: int) -> list[Piece]:
        exited = row.exited
        assert exited is not None
        if row.zombie_of is not None:
            text, style = _zombie(session, row.zombie_of, width), self.palette.ready
        elif exited.status in (0, None):
            text, style = brief(exited.t_ns - row.admitted.t_ns), self.palette.dim
            if width < _MIN_FOR_TITLE:
                text = ""
        else:
            by = exited.signal
            text = wording.status(exited) if by is None else wording.signal_name(by).removeprefix("SIG")
            style = self.palette.failed
        head = self.head(session, row, width - cell_len(text), others)
        return [*head, (flush_right(text, _room(width, head)), style)]

    def summary(self, session: Session, pids: Sequence[int]) -> Piece:
        """Return the number of processes that failed."""
        exits = [session.view.board.rows[pid].exited for pid in pids]
        failed = sum(exited is not None and exited.status not in (0, None) for exited in exits)
        return f"{failed} {FAILED_SIGN}" if failed else "", self.palette.failed


def _zombie(session: Session, parent: int, width: int) -> str:
    """Return the text for a zombie whose parent has not waited for it yet."""
    name = session.view.names.get(parent, "")
    return _("zombie of {pid} {name}").format(pid=parent, name=name) if width >= _FOR_ZOMBIE else _("zombie")


class RunningColumn(Column):
    """Each mini CPU with its process and the used part of its time slice; several lines per CPU if there is room."""

    state = State.RUNNING

    def members(self, session: Session) -> Collection[int]:
        return session.view.board.running.values()

    def rows(self, session: Session, width: int, height: int) -> Iterator[Choice[int]]:
        if session.view.board.booted is None:
            return
        cpus = session.view.board.booted.cpus
        tall = cpus * 5 - 1 <= height
        for cpu in range(cpus):
            pid = session.view.board.running.get(cpu)
            yield from ((pid, strip) for strip in self._cpu(session, cpu, width, tall))

    def _cpu(self, session: Session, cpu: int, width: int, tall: bool) -> list[Strip]:
        palette = self.palette
        pid = session.view.board.running.get(cpu)
        label: Piece = (f"cpu{cpu} ", palette.dim)
        if pid is None:
            what: Piece = (_("‖ paused"), palette.ready) if session.view.board.paused else (_("– idle"), palette.dim)
            strips = [line([label, (" ", palette.dim), what], width)]
            return strips + [self.blank(width)] * 4 if tall else strips
        row = session.view.board.rows[pid]
        under = palette.cursor if session.view.tree.head(pid) == self.chosen else None
        head: list[Piece] = [label, (f"{row.pid:>2} ", palette.dim), ("▶ ", palette.running)]
        used_ns = session.view.now_ns - row.since_ns
        if not tall:
            share = part(min(used_ns, row.slice_ns), row.slice_ns) if row.slice_ns else brief(used_ns)
            name = fit_name(row.called, max(min(_MAX_NAME, width - 11 - len(share)), 4))
            head += [(f"{name} ", palette.strong), (share, palette.running)]
            return [line(head, width, under)]
        runs, turn, total = _labels()
        room = width - cell_len(runs)
        return [
            line([*head, (fit_name(row.called, max(width - 10, 4)), palette.strong)], width, under),
            line([(runs, palette.dim), (fit(row.admitted.runs, room), palette.text)], width),
            line([(turn, palette.dim), *self._turn(used_ns, row.slice_ns, room)], width),
            line([(total, palette.dim), *self._total(session.view.cpu_ns(pid), row.admitted.demand_ns, room)], width),
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
        """Return a bar that shows the used part of a whole."""
        used_ns = min(used_ns, whole_ns)
        text = part(used_ns, whole_ns)
        if width - 1 - len(text) < _MIN_BAR:
            text = f"{used_ns * 100 // max(whole_ns, 1):3}%"
        full, rest = bar(used_ns, whole_ns, max(width - 1 - len(text), 0))
        return [(full, style), (rest, self.palette.dim), (f" {text}", self.palette.text)]


def _labels() -> list[str]:
    """Return the labels of the lines about a process on a CPU, padded to the same width."""
    labels = (_("runs"), _("slice"), _("cpu"))
    width = max(map(cell_len, labels)) + 1
    return [fit(label, width) for label in labels]


class Board(Panel):
    """The board, made of four columns."""

    timeline = "always"
    folds = True

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._blocked = BlockedColumn(id="blocked")
        self._columns: list[Column] = [
            ReadyColumn(id="ready"),
            RunningColumn(id="running"),
            self._blocked,
            DoneColumn(id="done"),
        ]
        self._session: Session | None = None
        #: The widest text of reasons so far, in cells: the columns would jump if they became narrow again.
        self._needed = 0

    def compose(self) -> ComposeResult:
        yield from self._columns

    def on_resize(self) -> None:
        self._share_out()

    def update_from(self, session: Session, chosen: int | None) -> None:
        if session is not self._session:
            self._session, self._needed = session, 0
            self._share_out()
        needed = self._blocked.wanted(session)
        if needed > self._needed:
            self._needed = needed
            self._share_out()
        for column in self._columns:
            column.update_from(session, chosen)

    def _share_out(self) -> None:
        """Distribute the width among the columns. The reasons of blocked processes are cut last: other columns shrink
        for them."""
        widths = shared_out(self.size.width, self._needed + 2 + 2 * (self.size.width >= WIDE))
        for column, width in zip(self._columns, widths, strict=True):
            if column.styles.width is None or column.styles.width.value != width:
                column.styles.width = width


def shared_out(width: int, wanted: int) -> list[int]:
    """Return the widths of the columns, ``width`` cells in all: in their usual proportions, or with as much of
    ``wanted`` for the blocked column as the other columns can spare, each in proportion to what it can spare."""
    shares, least = (_SHARES, _LEAST) if width >= WIDE else (_SHARES_NARROW, _LEAST_NARROW)
    cells = [width * share // sum(shares) for share in shares]
    cells[1] += width - sum(cells)
    spare = [max(has - min_, 0) for has, min_ in zip(cells, least, strict=True)]
    spare[_BLOCKED] = 0
    taken = max(min(wanted - cells[_BLOCKED], sum(spare)), 0)
    gone = [taken * each // max(sum(spare), 1) for each in spare]
    gone[1] += taken - sum(gone)
    cells = [has - lost for has, lost in zip(cells, gone, strict=True)]
    cells[_BLOCKED] += taken
    return cells
