"""The lesson beside the timeline: what to watch for, with the figures of the run as soon as it is over."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Markdown

from sandbox.lessons import figures, fill, lesson_text
from sandbox.tui.session import Session


class Lesson(VerticalScroll):
    """Scrolls with page up and page down, and with the mouse; it never takes the keys of the board."""

    can_focus = False

    def __init__(self, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._shown: tuple[str, bool] | None = None

    def compose(self) -> ComposeResult:
        """The text."""
        yield Markdown()

    def show(self, session: Session) -> None:
        """Show the scenario's lesson; its figures once every process has ended."""
        finished = bool(session.board.rows) and not session.moving and not session.board.paused
        if self._shown == (session.scenario.name, finished):
            return
        self._shown = (session.scenario.name, finished)
        text = lesson_text(session.scenario)
        self.border_title = "LESSON"
        self.border_subtitle = "l hides it   PgUp PgDn scroll"
        if text is not None:
            known = figures(session.history) if finished else None
            self.query_one(Markdown).update(fill(text, known))
