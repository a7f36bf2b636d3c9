"""The lesson beside the timeline: what to watch for, step by step, with the figures of the run as they come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual.containers import VerticalScroll

from sandbox import wording
from sandbox.i18n import _, spoken
from sandbox.lessons.text import UNKNOWN, fill, lesson_text
from sandbox.scenario.lesson_checks import parts
from sandbox.tui.config import config_of
from sandbox.tui.state.session import Session
from sandbox.util.text import clean

if TYPE_CHECKING:
    from textual.widgets import Markdown


class Lesson(VerticalScroll):
    """Scrolls with page up and page down, and with the mouse; it never takes the keys of the board. A
    part of the lesson appears when the step before it is done, below what has been read."""

    DEFAULT_CLASSES = "framed"

    can_focus = False

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._shown: tuple[Session, int, bool] | None = None
        self._parts: list[str] = []
        self._markdown: Markdown | None = None

    def update_from(self, session: Session) -> None:
        """Show the scenario's lesson as far as its steps have come; its figures once every process has ended."""
        other = self._shown is None or self._shown[0] is not session
        if session.view.looks_back and not other:
            return  # it speaks of the whole run
        shown = (session, session.lesson.done, session.finished)
        if self._shown == shown:
            return
        self._shown = shown
        if other:
            self._parts = self._read(session)
        self.border_title = _("LESSON")
        blank = self._text(session)
        text = fill(blank, session.scenario, _known(session))
        up, down, hide = (config_of(self).key(action) for action in ("lesson_up", "lesson_down", "lesson"))
        keys = _("{up} {down} scroll   {hide} hides it").format(up=up, down=down, hide=hide)
        if UNKNOWN in text and not session.finished:
            keys = _("{unknown} at the end").format(unknown=UNKNOWN) + f"   {keys}"
        elif session.lesson_over:
            keys = _("{key} next lesson").format(key=config_of(self).key("next_lesson")) + f"   {keys}"
        self.border_subtitle = Text(keys)
        if self._markdown is None:
            from textual.widgets import Markdown  # it is large, and the first frame does not wait for it

            self._markdown = Markdown(text, open_links=False)
            self.mount(self._markdown)
        else:
            self.call_later(self._update, self._markdown, text, 0 if other else shown[1])

    async def _update(self, markdown: Markdown, text: str, step: int) -> None:
        """Show another text, and of it what follows a step (0: its beginning)."""
        await markdown.update(text)
        self.call_after_refresh(self._bring_into_view, step)

    def _bring_into_view(self, step: int) -> None:
        quotes = self.query("MarkdownBlockQuote")
        if step == 0:
            self.scroll_home(animate=False)
        elif step <= len(quotes):
            self.scroll_to_widget(quotes[step - 1], top=True, animate=False)

    def _text(self, session: Session) -> str:
        """What there is to read by now, and between its parts what came and what is waited for."""
        reached = session.lesson.story.reached[: session.lesson.done]
        text = self._parts[:1]
        for index, (step, part) in enumerate(zip(session.scenario.steps, self._parts[1:], strict=False)):
            if index < len(reached):
                text += [f"> {wording.step_reached(step.until, reached[index])}", part]
            else:
                text.append(f"> {wording.step_awaited(step.until)}")
                break
        return "\n\n".join(text)

    def _read(self, session: Session) -> list[str]:
        """The parts of the lesson, harmless; what is wrong with it where it cannot be read."""
        try:
            text = clean(lesson_text(session.scenario, spoken()) or "")
        except (OSError, UnicodeDecodeError) as error:
            said = _("The lesson `{file}` cannot be read: {reason}")
            return [said.format(file=session.scenario.lesson, reason=clean(str(error)))]
        return parts(text) if session.scenario.steps else [text]


def _known(session: Session) -> dict[str, str]:
    """The figures that there are: what processes have printed; those of the run once it is over."""
    if not session.finished:
        return {name: clean(text) for name, text in session.lesson.story.printed.items()}
    from sandbox.lessons.figures import figures
    from sandbox.lessons.whatif import imagined

    known = imagined(session.scenario) | figures(session.view.history, session.lesson.story)
    return {name: clean(figure.shown) for name, figure in known.items()}
