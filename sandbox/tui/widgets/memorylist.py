"""The tree of processes, and beside each what memory it has: the bars have one scale, so that one can compare."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from rich.cells import cell_len
from textual import events
from textual.strip import Strip

from sandbox.cells import fit, fit_name, flush_right
from sandbox.language import _
from sandbox.tui.family import Member, tree
from sandbox.tui.figures import size
from sandbox.tui.memory import Memory
from sandbox.tui.palette import SIGNS
from sandbox.tui.session import Session
from sandbox.tui.widgets.columns import Picked
from sandbox.tui.widgets.lines import WIDE, Lines, Piece, line, window

_NAME, _NAME_NARROW = 30, 24
_SIZE = 9
_DEPTH_MOST = 6


class MemoryList(Lines):
    """A line a process. ``in_sight``: whose memory is worth asking for."""

    def __init__(self, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._session: Session | None = None
        self._chosen: int | None = None
        self._folded: Collection[int] = ()
        self._known: Mapping[int, Memory] = {}
        self._top = 0
        self._pids: list[int | None] = []

    @property
    def in_sight(self) -> Sequence[int]:
        """The processes whose lines can be seen."""
        return [pid for pid in self._pids if pid is not None]

    def show(self, session: Session, chosen: int | None, folded: Collection[int], known: Mapping[int, Memory]) -> None:
        """``folded``: whose children are not shown."""
        self._session, self._chosen, self._folded, self._known = session, chosen, folded, known
        self.entitle(_("PROCESS TREE AND MEMORY"), _("█ private   ░ shared with others"))
        self.update_lines()

    def draw(self, width: int, height: int) -> list[Strip]:
        """A heading, then who there is room for."""
        session = self._session
        self._pids = [None]
        if session is None:
            return []
        members = tree(session.board.rows, self._folded)
        place = next((index for index, member in enumerate(members) if member.pid == self._chosen), None)
        seen = window(len(members), height - 1, self._top, place)
        self._top = seen.first - (seen.above > 0)
        strips = [line(self._heading(width), width)]
        if seen.above:
            strips.append(self.more_above(seen, width))
            self._pids.append(None)
        for member in members[seen.first : seen.last]:
            under = self.palette.cursor if member.pid == self._chosen else None
            strips.append(line(self._pieces(session, member, width), width, under))
            self._pids.append(member.pid)
        if seen.below:
            strips.append(self.more_below(seen, width))
        return strips

    def _heading(self, width: int) -> list[Piece]:
        name = _NAME if width >= WIDE else _NAME_NARROW
        titles = (_("resident"), _("shared"), _("private"), _("its part"))
        sizes = "".join(flush_right(title, _SIZE) for title in titles)
        return [(fit(f"  pid   {_('process')}", name + 8) + sizes, self.palette.dim)]

    def _pieces(self, session: Session, member: Member, width: int) -> list[Piece]:
        palette, row = self.palette, session.board.rows[member.pid]
        name = _NAME if width >= WIDE else _NAME_NARROW
        indent = "  " * min(member.depth - 1, _DEPTH_MOST) + "└ " if member.depth else ""
        fold = f" ▸{member.children}" if member.hidden else f" ▾{member.children}" if member.children else ""
        pieces: list[Piece] = [
            (f"{row.pid:>5} ", palette.dim),
            (f"{SIGNS[row.state]} ", palette.state(row.state)),
            (indent, palette.dim),
            (fit_name(row.name, min(cell_len(row.name), name - len(indent) - len(fold))), palette.text),
        ]
        used = len(indent) + cell_len(pieces[-1][0])
        pieces.append((fit(fold, max(name - used, 0)), palette.strong))
        known = self._known.get(member.pid)
        if known is None:
            return [*pieces, (flush_right("–", _SIZE), palette.dim)]
        sizes = (known.resident, known.shared, known.private, known.proportional)
        pieces += [(flush_right(size(number), _SIZE), palette.text) for number in sizes]
        room = width - name - 8 - 4 * _SIZE - 2
        largest = max(each.resident for each in self._known.values()) or 1
        private, whole = known.private * room // largest, known.resident * room // largest
        return [*pieces, ("  " + "█" * private, palette.running), ("░" * (whole - private), palette.blocked)]

    def on_click(self, event: events.Click) -> None:
        """Choose the process that was clicked."""
        offset = event.get_content_offset(self)
        if offset is not None and 0 <= offset.y < len(self._pids):
            pid = self._pids[offset.y]
            if pid is not None:
                self.post_message(Picked(pid))
