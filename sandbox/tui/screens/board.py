"""The board's screen."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import Screen

from sandbox.tui.session import Session
from sandbox.tui.widgets.columns import BlockedColumn, DoneColumn, ReadyColumn, RunningColumn
from sandbox.tui.widgets.keybar import KeyBar
from sandbox.tui.widgets.lesson import Lesson
from sandbox.tui.widgets.status import Status
from sandbox.tui.widgets.timeline import Timeline
from sandbox.tui.widgets.why import Why

#: Below so many cells of width the panels give up their padding.
_NARROW = 100


class BoardScreen(Screen[None]):
    """Status, columns, timeline, reason, keys."""

    AUTO_FOCUS = ""

    def __init__(self) -> None:
        super().__init__()
        self.chosen: int | None = None

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield Status(id="status")
        with Horizontal(id="columns"):
            yield ReadyColumn(id="ready")
            yield RunningColumn(id="running")
            yield BlockedColumn(id="blocked")
            yield DoneColumn(id="done")
        with Horizontal(id="lower"):
            yield Timeline(id="timeline")
            yield Lesson(id="lesson")
        yield Why(id="why")
        yield KeyBar(id="keys")

    def begin(self, session: Session) -> None:
        """Another session: nothing is chosen, and its lesson is open if it has one and there is room."""
        self.chosen = None
        self.set_class(session.scenario.lesson is not None and self.size.width >= _NARROW, "lesson")

    def show(self, session: Session) -> None:
        """Show the session as it is now."""
        if self.chosen not in session.board.rows:
            self.chosen = None
        self.set_class(session.board.paused, "paused")
        self.query_one(Status).show(session)
        for column in (ReadyColumn, RunningColumn, BlockedColumn, DoneColumn):
            self.query_one(column).show(session, self.chosen)
        self.query_one(Timeline).show(session, self.chosen)
        self.query_one(Why).show(session)
        if self.has_class("lesson"):
            self.query_one(Lesson).show(session)

    def on_resize(self, event: events.Resize) -> None:
        """Give up what is only for looks where there is little room."""
        self.set_class(event.size.width < _NARROW, "narrow")
