"""The memory panel: the process tree, and the memory that each process has."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from sandbox.i18n import _
from sandbox.model.states import State
from sandbox.render.cells import fit, flush_right
from sandbox.tui.format import size
from sandbox.tui.keys import bindings
from sandbox.tui.palette import SIGNS
from sandbox.tui.panels.panel import Panel
from sandbox.tui.state.session import Session
from sandbox.tui.state.tree import Member
from sandbox.tui.widgets.choices import Choice, Picked, Processes
from sandbox.tui.widgets.lines import WIDE, Piece, Window

if TYPE_CHECKING:
    if sys.platform == "linux":
        from sandbox.machines.linux.procfs_counts import MemoryUse
    else:
        MemoryUse = Any


#: Widths in cells of a name, and of a size.
_NAME, _NAME_NARROW = 30, 24
_SIZE = 9
#: The column in which names begin.
_PID = 8
#: More than the number of processes there can be.
_MAX_PROCESSES = 1 << 20
#: Deeper generations are not indented further.
_MAX_DEPTH = 6


class MemoryList(Processes):
    """The list, with a line for each process."""

    DEFAULT_CLASSES = "framed main"

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._known: Mapping[int, MemoryUse] = {}

    def update_from(self, session: Session, chosen: int | None, known: Mapping[int, MemoryUse]) -> None:
        """Show the processes. ``known``: the memory of the processes about which the system was asked, by pid."""
        self.remember(session, chosen)
        self._known = known
        signs = _("█ private   ░ shared with others")
        said = _("memory as it is at present   {signs}").format(signs=signs) if session.view.looks_back else signs
        self.entitle(_("PROCESS TREE AND MEMORY"), said)
        self.update_lines()

    def rows(self, session: Session, width: int, height: int) -> Iterator[Choice[int]]:
        """Yield a heading, then the processes."""
        members = self.members(session)
        place = next((index for index, member in enumerate(members) if member.pid == self.chosen), None)

        def shown(seen: Window) -> Iterator[Choice[int]]:
            for member in members[seen.first : seen.last]:
                yield self.row(member.pid, self._pieces(session, member, width), width)

        yield self.row(None, self._heading(width), width)
        if not members:
            yield None, self.blank(width)
            yield from ((None, strip) for strip in self.centred([_("Nobody is in memory.")], width, 1))
            return
        yield from self.scrolled(len(members), place, shown, width, height - 1)

    def members(self, session: Session) -> Sequence[Member]:
        """Return the processes that are alive or have living descendants, as the lists show them."""
        view = session.view
        return view.listing.members(view.tree.arranged(view.board.rows, view.board.exited), view)

    def order_at(self, x: int, y: int) -> str | None:
        """Return the order to sort by for a click on the heading: by pid, by name, or elsewhere by CPU time used."""
        if y != 1:
            return None
        return "pid" if x < _PID else "name" if x < (_NAME if self.size.width >= WIDE else _NAME_NARROW) else "cpu"

    def _heading(self, width: int) -> list[Piece]:
        name = _NAME if width >= WIDE else _NAME_NARROW
        titles = (_("resident"), _("shared"), _("private"), _("its part"))
        sizes = "".join(flush_right(title, _SIZE) for title in titles)
        return [(fit(f"  pid   {_('process')}", name + 8) + sizes, self.palette.dim)]

    def _pieces(self, session: Session, member: Member, width: int) -> list[Piece]:
        palette, row = self.palette, session.view.board.rows[member.pid]
        name = _NAME if width >= WIDE else _NAME_NARROW
        indent = "  " * min(member.depth - 1, _MAX_DEPTH) + "└ " if member.depth else ""
        pieces: list[Piece] = [
            (f"{row.pid:>5} ", palette.dim),
            (f"{SIGNS[row.state]} ", palette.state(row.state)),
            (indent, palette.dim),
            *self.named(row.called, member.mark, name - len(indent), palette.text),
        ]
        known = self._known.get(member.pid)
        if known is None:
            return [*pieces, (flush_right("–", _SIZE), palette.dim)]
        sizes = (known.resident, known.shared, known.private, known.proportional)
        pieces += [(flush_right(size(number), _SIZE), palette.text) for number in sizes]
        room = width - name - 8 - 4 * _SIZE - 2
        largest = max(each.resident for each in self._known.values()) or 1
        private, whole = known.private * room // largest, known.resident * room // largest
        return [*pieces, ("  " + "█" * private, palette.running), ("░" * (whole - private), palette.blocked)]


class Memory(Panel, can_focus=True):
    """The panel with the list of processes."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("memory")

    folds = True
    poll_every_s = 0.5

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._list = MemoryList(id="memory-list")
        self._session: Session | None = None
        self._chosen: int | None = None
        self._known: dict[int, MemoryUse] = {}

    def compose(self) -> ComposeResult:
        yield self._list

    def update_from(self, session: Session, chosen: int | None) -> None:
        if session is not self._session:
            self._known.clear()
        self._session, self._chosen = session, chosen
        self._list.update_from(session, chosen, self._known)

    def poll(self) -> None:
        """Ask the system about the memory of the processes in sight."""
        session = self._session
        if session is None:
            return
        rows = session.view.board.rows
        for pid in [pid for pid in self._known if pid not in rows or rows[pid].state is State.EXITED]:
            del self._known[pid]
        for pid in self._list.in_sight:
            row = rows.get(pid)
            if sys.platform == "linux" and row is not None and row.os_pid and row.state is not State.EXITED:
                from sandbox.machines.linux import procfs_counts  # only real processes have memory

                found = procfs_counts.memory_use(row.os_pid, os.getpid())
                if found is not None:
                    self._known[pid] = found
        self.update_from(session, self._chosen)

    def action_page(self, by: int) -> None:
        """Choose a process, ``by`` pages further on."""
        self._choose(by * max(self._list.size.height - 3, 1))

    def action_end(self, by: int) -> None:
        """Choose the last process, or the first."""
        self._choose(by * _MAX_PROCESSES)

    def _choose(self, by: int) -> None:
        if self._session is None:
            return
        pids = [member.pid for member in self._list.members(self._session)]
        if pids:
            place = pids.index(self._chosen) if self._chosen in pids else 0
            self.post_message(Picked(pids[max(min(place + by, len(pids) - 1), 0)]))
        else:
            self.notify(_("There is no process"), markup=False)
