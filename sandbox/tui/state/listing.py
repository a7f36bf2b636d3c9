"""The filter and the order of process lists, shared by the board, the timeline and the memory panel."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol

from sandbox.i18n import Messages, _
from sandbox.model.states import State
from sandbox.tui.state.tree import Member
from sandbox.views.board import Board, Row
from sandbox.views.eventlog import Moment

#: The orders, as the key cycles through them; "" is the usual one: queue order, children below their parents.
ORDERS: Messages = {
    "": "as they stand",
    "name": "name",
    "pid": "pid",
    "cpu": "CPU used",
    "since": "longest in its state",
}


class View(Protocol):
    """The parts of a viewpoint that sorting needs."""

    @property
    def live(self) -> Moment: ...
    @property
    def board(self) -> Board: ...
    @property
    def names(self) -> Mapping[int, str]: ...

    def cpu_ns(self, pid: int) -> int:
        """Return the CPU time, in ns, that a process has used by then."""
        ...


class Listing:
    """The filter and order that the reader has chosen for lists; at first everything, in the usual order."""

    def __init__(self) -> None:
        #: The text that names, pids or programs must contain, in small letters; "" for all.
        self.text = ""
        self.order = ""
        self.backwards = False
        #: Whether ended processes are left out.
        self.living = False

    @property
    def plain(self) -> bool:
        """Whether all processes are shown, in the usual order."""
        return not (self.text or self.order or self.living)

    def look_for(self, text: str) -> None:
        """Show only processes with this text in their names or programs, or with this pid."""
        self.text = text.strip().casefold()

    def next_order(self) -> None:
        """Switch to the next order."""
        orders = [*ORDERS]
        self.order, self.backwards = orders[(orders.index(self.order) + 1) % len(orders)], False

    def turn_order(self) -> None:
        """Reverse the order, unless it is the usual one."""
        self.backwards = bool(self.order) and not self.backwards

    def hide_ended(self) -> None:
        """Toggle whether ended processes are left out."""
        self.living = not self.living

    def take_order(self, order: str) -> None:
        """Sort by this order; a second call reverses it, and a third one restores the usual order."""
        if self.order != order:
            self.order, self.backwards = order, False
        elif not self.backwards:
            self.backwards = True
        else:
            self.order, self.backwards = "", False

    def keeps(self, row: Row) -> bool:
        """Whether a process is shown."""
        if self.living and row.state is State.EXITED:
            return False
        if not self.text:
            return True
        return (
            self.text in row.name.casefold() or self.text in row.admitted.runs.casefold() or self.text == str(row.pid)
        )

    def pids(self, pids: Collection[int], view: View) -> Collection[int]:
        """Return the pids to show, in order."""
        if self.plain:
            return pids
        rows = view.board.rows
        return self._sorted([pid for pid in pids if self.keeps(rows[pid])], view)

    def members(self, members: Sequence[Member], view: View) -> Sequence[Member]:
        """Return the members of a tree to show. In any order but the usual one, all have depth 0."""
        if self.plain:
            return members
        rows = view.live.board.rows
        kept = [member for member in members if self.keeps(rows[member.pid])]
        if not self.order:
            return kept
        by_pid = {member.pid: member._replace(depth=0) for member in kept}
        return [by_pid[pid] for pid in self._sorted(by_pid, view)]

    def said(self) -> str:
        """Describe the order and filter in a few words, except the search text; "" if they are the usual ones."""
        words = []
        if self.order:
            words.append(_("by {order}").format(order=_(ORDERS[self.order])) + (" ↑" if self.backwards else " ↓"))
        if self.living:
            words.append(_("without those that have ended"))
        return ", ".join(words)

    def _sorted(self, pids: Iterable[int], view: View) -> list[int]:
        if not self.order:
            return [*pids]
        found = sorted(pids, key=self._key(view))
        largest_first = self.order in ("cpu", "since")
        return found[::-1] if self.backwards is not largest_first else found

    def _key(self, view: View) -> Callable[[int], Any]:
        rows = view.board.rows
        match self.order:
            case "name":
                # Some of the listed processes have retired by the time looked at, and some are born later.
                return lambda pid: ((view.names.get(pid) or view.live.names[pid]).casefold(), pid)
            case "cpu":
                return lambda pid: (view.cpu_ns(pid) if pid in rows else -1, -pid)
            case "since":
                return lambda pid: (-rows[pid].since_ns if pid in rows else -(1 << 62), -pid)
        return lambda pid: pid
