"""The family tree, and several programs at once in one memory: what each of them has of it."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.timer import Timer

from sandbox.kernel.states import State
from sandbox.language import _
from sandbox.tui import memory
from sandbox.tui.keys import bindings
from sandbox.tui.panels.panel import Panel
from sandbox.tui.session import Session
from sandbox.tui.widgets.memorylist import MemoryList

#: So often is the system asked, of those that are in sight.
_ASK_S = 0.5


class Memory(Panel, can_focus=True):
    """Asks while it is in front, and costs nothing when it is not."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("memory")

    def __init__(self, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._list = MemoryList(id="memory-list")
        self._session: Session | None = None
        self._chosen: int | None = None
        self._folded: set[int] = set()
        self._known: dict[int, memory.Memory] = {}
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """All of it."""
        yield self._list

    def on_mount(self) -> None:
        """Ask from now on."""
        self._timer = self.set_interval(_ASK_S, self._ask)

    def arrive(self) -> None:
        super().arrive()
        self._ask()
        if self._timer is not None:
            self._timer.resume()

    def leave(self) -> None:
        if self._timer is not None:
            self._timer.pause()

    def show(self, session: Session, chosen: int | None) -> None:
        if session is not self._session:
            self._folded.clear()
            self._known.clear()
        self._session, self._chosen = session, chosen
        self._list.show(session, chosen, self._folded, self._known)

    def _ask(self) -> None:
        session = self._session
        if session is None:
            return
        rows = session.board.rows
        for pid in [pid for pid in self._known if pid not in rows or rows[pid].state is State.EXITED]:
            del self._known[pid]
        for pid in self._list.in_sight:
            row = rows.get(pid)
            if row is not None and row.os_pid is not None and row.state is not State.EXITED:
                found = memory.memory(row.os_pid)
                if found is not None:
                    self._known[pid] = found
        self.show(session, self._chosen)

    def action_fold(self) -> None:
        """Fold the children of the chosen process away, or unfold them; of one without, those of its parent."""
        session = self._session
        if session is None or self._chosen is None:
            self.notify(_("Choose a process first"), markup=False)
            return
        rows = session.board.rows
        parents = {row.admitted.parent for row in rows.values()}
        pid = self._chosen if self._chosen in parents else rows[self._chosen].admitted.parent
        if pid in rows and pid is not None:
            self._folded ^= {pid}
            self.show(session, self._chosen)
