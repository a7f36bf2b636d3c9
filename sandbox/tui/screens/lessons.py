"""The lesson beside what it is about: whether it is open, where it leads its reader, and at what it points."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import Input

from sandbox.i18n import _
from sandbox.tui.interaction import tell
from sandbox.tui.state.guide import LessonGuide
from sandbox.tui.widgets.entry import TakesAllKeys
from sandbox.tui.widgets.lesson import Lesson

if TYPE_CHECKING:
    from sandbox.tui.screens.board import BoardScreen


class LessonPlace:
    """On a screen. ``text``: what is read there."""

    def __init__(self, screen: BoardScreen) -> None:
        self._screen = screen
        self.text = Lesson(id="lesson")
        #: Whether there shall be lessons beside what they are about.
        self._wanted = True
        self._guide = LessonGuide()
        #: What of the screen it points at.
        self._pointed: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether it stands there, as far as the panel in front leaves room."""
        return self._screen.has_class("lesson")

    @property
    def is_seen(self) -> bool:
        """Whether it can be read."""
        return self.is_open and self._screen.lower.display

    def begin(self) -> None:
        """Another session: its lesson is open if it has one and nobody has hidden lessons."""
        self._open(self._screen.session.scenario.lesson is not None and self._wanted)

    def toggle(self) -> None:
        """Show or hide it; it stands beside the timeline, on the board if nowhere else."""
        screen = self._screen
        if screen.session.scenario.lesson is None:
            tell(screen, _("This scenario has no lesson"))
            return
        self._wanted = screen.front.timeline == "never" or not self.is_open
        if screen.front.timeline == "never":
            screen.turn_to("board")
        self._open(self._wanted)
        screen.show_soon()

    def _open(self, is_open: bool) -> None:
        self._screen.set_class(is_open, "lesson")
        self._screen.session.show_lesson(is_open)

    def lead(self) -> None:
        """Turn to the panel that a step is about, and choose the process that it names, each once."""
        screen, session = self._screen, self._screen.session
        step = session.lesson.awaited if self.is_open and session.link is not None else None
        panel = self._guide.panel(step)
        types = isinstance(screen.focused, (Input, TakesAllKeys))
        if panel is not None and not types:  # nothing is taken from under who types
            screen.turn_to(panel)
        named = self._guide.process(session)
        own = screen.front.id == "console" and screen.chosen in session.own.alive(session.view.live.board)
        if named is not None and not own:  # nor is the console of a program of theirs
            screen.single_out(named)
        self._point_at(step.panel if step is not None else None)

    def _point_at(self, name: str | None) -> None:
        """Mark what it speaks of, and nothing else."""
        if name == self._pointed:
            return
        for widget in self._screen.query(".pointed"):
            widget.remove_class("pointed")
        self._pointed = name
        if name is not None:
            self._screen.query(f"#{name}").add_class("pointed")

    def update(self) -> None:
        """Show it as it is now; the first frame does not wait for it."""
        session = self._screen.session
        if self.is_open and (session.link is not None or session.view.board.booted is not None):
            self.text.update_from(session)

    def scroll(self, pages: int) -> None:
        """So many pages down, or up."""
        if pages > 0:
            self.text.scroll_page_down()
        else:
            self.text.scroll_page_up()
