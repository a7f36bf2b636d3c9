"""The lesson on the main screen: whether it is open, the panels to which it leads, and the parts of the screen at which
it points."""

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
    """Controls the lesson on a screen. ``text``: the widget with its text."""

    def __init__(self, screen: BoardScreen) -> None:
        self._screen = screen
        self.text = Lesson(id="lesson")
        #: Whether the user wants lessons to be shown.
        self._wanted = True
        self._guide = LessonGuide()
        #: The id of the part of the screen at which the lesson points, or None.
        self._pointed: str | None = None
        #: Whether processes have been drawn once.
        self._follows = False

    @property
    def is_open(self) -> bool:
        """Whether the lesson is open; the panel in front may leave no room for it, though."""
        return self._screen.has_class("lesson")

    @property
    def is_seen(self) -> bool:
        """Whether the lesson is open and there is room for it."""
        return self.is_open and self._screen.lower.display

    def begin(self) -> None:
        """Open the lesson of a new session, if there is one, unless the user has hidden lessons."""
        self._open(self._screen.session.scenario.lesson is not None and self._wanted)

    def toggle(self) -> None:
        """Show or hide the lesson. If the panel in front has no room for it, the board is shown."""
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
        """Show the panel that a step is about, and choose the process that the step names, once each."""
        screen, session = self._screen, self._screen.session
        step = session.lesson.awaited if self.is_open and session.link is not None else None
        panel = self._guide.panel(step)
        types = isinstance(screen.focused, (Input, TakesAllKeys))
        if panel is not None and not types:  # not while the user is typing
            screen.turn_to(panel)
        named = self._guide.process(session)
        own = screen.front.id == "console" and screen.chosen in session.own.alive(session.view.live.board)
        if named is not None and not own:  # nor while the user looks at a console of an own program
            screen.single_out(named)
        self._point_at(step.panel if step is not None else None)

    def _point_at(self, name: str | None) -> None:
        """Highlight the part of the screen of this name, and nothing else."""
        if name == self._pointed:
            return
        for widget in self._screen.query(".pointed"):
            widget.remove_class("pointed")
        self._pointed = name
        if name is not None:
            self._screen.query(f"#{name}").add_class("pointed")

    def update(self) -> None:
        """Update the lesson, but not before the first frame with processes, which would be delayed."""
        session = self._screen.session
        if not self.is_open:
            return
        if self._follows:
            self.text.update_from(session)
        elif session.view.board.booted is not None or (session.link is not None and session.link.closed):
            self._follows = True
            self._screen.call_after_refresh(self.update)

    def scroll(self, pages: int) -> None:
        """Scroll by pages."""
        if pages > 0:
            self.text.pages.scroll_page_down(animate=False)
        else:
            self.text.pages.scroll_page_up(animate=False)
