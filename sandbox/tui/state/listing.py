"""Which processes lists show, and in which order: the same on the board, the timeline and in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol

from sandbox.i18n import Messages, _
from sandbox.model.states import State
from sandbox.tui.state.tree import Member
from sandbox.views.board import Board, Row
from sandbox.views.eventlog import Moment

#: The orders, in the order of the key; "" is the usual one: queues as they stand, children below their parents.
ORDERS: Messages = {
    "": "as they stand",
    "name": "name",
    "pid": "pid",
    "cpu": "CPU used",
    "since": "longest in its state",
}


class View(Protocol):
    """What orders ask of a point in a run."""

    @property
    def live(self) -> Moment: ...
    @property
    def board(self) -> Board: ...
    @property
    def names(self) -> Mapping[int, str]: ...

    def cpu_ns(self, pid: int) -> int:
        """What a process has used by then."""
        ...


class Listing:
    """What a person has asked lists to show; at first all, as it stands."""

    def __init__(self) -> None:
        #: What names, pids or programs shall have in them, in small letters; "" for all.
        self.text = ""
        self.order = ""
        self.backwards = False
        #: Whether those that have ended are left out.
        self.living = False

    @property
    def plain(self) -> bool:
        """Whether all are shown as they stand."""
        return not (self.text or self.order or self.living)

    def look_for(self, text: str) -> None:
        """Show those only that have this in their names, pids or programs."""
        self.text = text.strip().casefold()

    def next_order(self) -> None:
        """The next of the orders."""
        orders = [*ORDERS]
        self.order, self.backwards = orders[(orders.index(self.order) + 1) % len(orders)], False

    def turn_order(self) -> None:
        """The other way round, where they are in an order."""
        self.backwards = bool(self.order) and not self.backwards

    def hide_ended(self) -> None:
        """Leave out those that have ended, or do not."""
        self.living = not self.living

    def take_order(self, order: str) -> None:
        """This order; a second time, the other way round; a third time, as they stand."""
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
        """Of these those that are shown, in order."""
        if self.plain:
            return pids
        rows = view.board.rows
        return self._sorted([pid for pid in pids if self.keeps(rows[pid])], view)

    def members(self, members: Sequence[Member], view: View) -> Sequence[Member]:
        """Of a tree those that are shown; in another order than the usual one nobody stands below a parent."""
        if self.plain:
            return members
        rows = view.live.board.rows
        kept = [member for member in members if self.keeps(rows[member.pid])]
        if not self.order:
            return kept
        by_pid = {member.pid: member._replace(depth=0) for member in kept}
        return [by_pid[pid] for pid in self._sorted(by_pid, view)]

    def said(self) -> str:
        """In a few words what is other than usual; "" if nothing is, but for the text that is looked for."""
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
                # Of those that are listed some have retired since then, and some are born later.
                return lambda pid: ((view.names.get(pid) or view.live.names[pid]).casefold(), pid)
            case "cpu":
                return lambda pid: (view.cpu_ns(pid) if pid in rows else -1, -pid)
            case "since":
                return lambda pid: (-rows[pid].since_ns if pid in rows else -(1 << 62), -pid)
        return lambda pid: pid
