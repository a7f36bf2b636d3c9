"""The lesson beside the timeline: what to watch for, with the figures of the run as soon as it is over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.text import Text
from textual.containers import VerticalScroll

from sandbox.lessons import UNKNOWN, figures, fill, lesson_text
from sandbox.spec import Scenario
from sandbox.text import clean
from sandbox.tui.keys import key_of
from sandbox.tui.session import Session

if TYPE_CHECKING:
    from textual.widgets import Markdown


class Lesson(VerticalScroll):
    """Scrolls with page up and page down, and with the mouse; it never takes the keys of the board."""

    can_focus = False

    def __init__(self, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        #: Keys that the user has moved, by action.
        self.keymap: Mapping[str, str] = {}
        self._shown: tuple[Session, bool] | None = None
        self._markdown: Markdown | None = None

    def show(self, session: Session) -> None:
        """Show the scenario's lesson; its figures once every process has ended."""
        shown = (session, session.finished)
        if self._shown == shown:
            return
        other = self._shown is None or self._shown[0] is not session
        self._shown = shown
        self.border_title = "LESSON"
        up, down, hide = (key_of(action, self.keymap) for action in ("lesson_up", "lesson_down", "lesson"))
        blank = _text(session.scenario)
        text = fill(blank, figures(session.history) if session.finished else None)
        later = "" if text == blank or session.finished else f"{UNKNOWN} at the end   "
        self.border_subtitle = Text(f"{later}{up} {down} scroll   {hide} hides it")
        if self._markdown is None:
            from textual.widgets import Markdown  # it is large, and the first frame does not wait for it

            self._markdown = Markdown(text, open_links=False)
            self.mount(self._markdown)
        else:
            self._markdown.update(text)
        if other:
            self.scroll_home(animate=False)


def _text(scenario: Scenario) -> str:
    """The lesson, harmless; what is wrong with it where it cannot be read."""
    try:
        return clean(lesson_text(scenario) or "")
    except (OSError, UnicodeDecodeError) as error:
        return f"The lesson `{scenario.lesson}` cannot be read: {clean(str(error))}"
