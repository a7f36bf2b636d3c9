"""The board: who is READY, RUNNING, BLOCKED and DONE, side by side."""

from __future__ import annotations

from textual.app import ComposeResult

from sandbox.tui.panels.board.columns import BlockedColumn, Column, DoneColumn, ReadyColumn, RunningColumn
from sandbox.tui.panels.panel import Panel
from sandbox.tui.state.session import Session


class Board(Panel):
    """Four columns."""

    timeline = "always"
    folds = True

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._columns: list[Column] = [
            ReadyColumn(id="ready"),
            RunningColumn(id="running"),
            BlockedColumn(id="blocked"),
            DoneColumn(id="done"),
        ]

    def compose(self) -> ComposeResult:
        yield from self._columns

    def update_from(self, session: Session, chosen: int | None) -> None:
        for column in self._columns:
            column.update_from(session, chosen)
