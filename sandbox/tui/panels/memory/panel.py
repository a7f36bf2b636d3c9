"""The tree of processes, and several programs at once in one memory: what each of them has of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from textual.app import ComposeResult

from sandbox.model.states import State
from sandbox.tui.panels.memory.list import MemoryList
from sandbox.tui.panels.panel import Panel
from sandbox.tui.state.session import Session

if TYPE_CHECKING:
    from sandbox.machines.linux.procfs import MemoryUse


class Memory(Panel):
    """One list."""

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
        """Ask the system about those that are in sight."""
        session = self._session
        if session is None:
            return
        rows = session.view.board.rows
        for pid in [pid for pid in self._known if pid not in rows or rows[pid].state is State.EXITED]:
            del self._known[pid]
        for pid in self._list.in_sight:
            row = rows.get(pid)
            if row is not None and row.os_pid is not None and row.state is not State.EXITED:
                from sandbox.machines.linux.procfs import memory_use  # only real processes have memory

                found = memory_use(row.os_pid, os.getpid())
                if found is not None:
                    self._known[pid] = found
        self.update_from(session, self._chosen)
