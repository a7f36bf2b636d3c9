"""The board's screen."""

from __future__ import annotations

from collections.abc import Mapping

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import Screen

from sandbox.tui.session import Session
from sandbox.tui.widgets.columns import BlockedColumn, Column, DoneColumn, ReadyColumn, RunningColumn
from sandbox.tui.widgets.keybar import KeyBar
from sandbox.tui.widgets.lesson import Lesson
from sandbox.tui.widgets.lines import WIDE
from sandbox.tui.widgets.status import Status
from sandbox.tui.widgets.timeline import Timeline
from sandbox.tui.widgets.why import Why


class BoardScreen(Screen[None]):
    """Status, columns, timeline, reason, keys."""

    AUTO_FOCUS = ""

    def __init__(self) -> None:
        super().__init__()
        #: The chosen process.
        self.chosen: int | None = None
        self.status = Status(id="status")
        self.columns: list[Column] = [
            ReadyColumn(id="ready"),
            RunningColumn(id="running"),
            BlockedColumn(id="blocked"),
            DoneColumn(id="done"),
        ]
        self.timeline = Timeline(id="timeline")
        self.lesson = Lesson(id="lesson")
        self.why = Why(id="why")
        self.keys = KeyBar(id="keys")

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield self.status
        with Horizontal(id="columns"):
            yield from self.columns
        with Horizontal(id="lower"):
            yield self.timeline
            yield self.lesson
        yield self.why
        yield self.keys

    def use_keymap(self, keymap: Mapping[str, str]) -> None:
        """Name the keys that the user has moved as he has."""
        for widget in (self.timeline, self.why, self.keys, self.lesson):
            widget.keymap = keymap

    def begin(self, session: Session) -> None:
        """Another session: nothing is chosen, and its lesson is open if it has one and there is room."""
        self.chosen = None
        self.set_class(session.scenario.lesson is not None and self.size.width >= WIDE, "lesson")
        self.show(session)

    def show(self, session: Session) -> None:
        """Show the session as it is now."""
        if self.chosen not in session.board.rows:
            self.chosen = None
        self.set_class(session.board.paused, "paused")
        self.status.show(session)
        for column in self.columns:
            column.show(session, self.chosen)
        self.timeline.show(session, self.chosen)
        self.why.show(session)
        self.keys.show(session)
        if self.has_class("lesson") and session.board.booted is not None:
            self.lesson.show(session)
