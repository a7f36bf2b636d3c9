"""The lesson next to the timeline: what to watch for, step by step, with figures of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from sandbox import wording
from sandbox.i18n import _, spoken
from sandbox.lessons.text import fill_known, has_figures, lesson_text, typed_command, with_command, with_keys
from sandbox.scenario import BadInput, find, load
from sandbox.scenario.texts import parts
from sandbox.tui.config import config_of
from sandbox.tui.keys import moved_keys
from sandbox.tui.state.lesson_progress import Wait
from sandbox.tui.state.session import Phase, Session
from sandbox.util.text import clean
from sandbox.util.units import S

if TYPE_CHECKING:
    from textual.widgets import Markdown

    from sandbox.views.figures import Figure

#: The interval at which figures of a live run are updated.
_FIGURES_EVERY_NS = 1 * S

#: With fewer lines, the text after a step is shown rather than the note that the step is done.
_MIN_FOR_STEP = 8


class LessonText(VerticalScroll, can_focus=False):
    """The scrollable text, which never takes the focus from the board."""


class Lesson(Vertical):
    """A scenario's lesson. The part after a step appears when the step is done. The foot, which is always in sight,
    tells what the lesson waits for and which key goes on."""

    DEFAULT_CLASSES = "framed"

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._session: Session | None = None
        #: The number of steps that are shown as done.
        self._step = 0
        self._parts: list[str] = []
        self._of_policy = ""
        #: The parts shown so far, without figures; and the whole text as shown.
        self._blank: list[str] = []
        self._text = ""
        #: The figures as shown last, and when; after the lesson's run they stay as they are.
        self._known: dict[str, str] = {}
        self._imagined: dict[str, Figure] | None = None
        self._known_ns = 0
        self._final = False
        self.pages = LessonText(id="lesson-text")
        #: Placed below the text: halves of wide characters would be lost if one lay over the other.
        self._foot = Static(id="lesson-foot", markup=False)
        self._said = ""
        self._markdown: Markdown | None = None

    def compose(self) -> ComposeResult:
        yield from (self.pages, self._foot)

    def update_from(self, session: Session) -> None:
        """Show the lesson up to the next step to be done, with its figures."""
        other = self._session is not session
        self._tell_what_next(session)
        if session.view.looks_back and not other:
            return  # figures are those of the whole run
        step = session.lesson.done
        if other:
            self._session, self._known, self._known_ns, self._final = session, {}, 0, False
            self._imagined = None
            self._parts = self._read(session)
            self._of_policy = _policy_of(session)
        moved = other or step != self._step
        self._blank = self._parts[: step + 1]
        if self._has_figures:
            self._find_figures(session, moved)
        config = config_of(self)
        text = config.spelt(with_keys(self._note(session) + self._told(session), moved_keys(config.keymap)))
        if text == self._text and not moved:
            return
        self._text, self._step = text, step
        self._show(text, 0 if other else step if moved else None)

    def _show(self, text: str, step: int | None) -> None:
        """Show a text, scrolled to what follows a step (0: the beginning; None: keep the position)."""
        self.border_title = _("LESSON")
        if self._markdown is None:
            from textual.widgets import Markdown  # imported late, as it is large and would delay the first frame

            self._markdown = Markdown(text, open_links=False)
            self.pages.mount(self._markdown)
        else:
            self.call_later(self._update, self._markdown, text, step)

    async def _update(self, markdown: Markdown, text: str, step: int | None) -> None:
        top = self.pages.scroll_offset.y
        await markdown.update(text)
        if step is None:
            self.call_after_refresh(self.pages.scroll_to, y=top, animate=False)
        else:
            self.call_after_refresh(self._bring_into_view, step)

    def on_resize(self, event: events.Resize) -> None:
        """Keep the present step in sight."""
        self.call_after_refresh(self._bring_into_view, self._step)

    def _bring_into_view(self, step: int) -> None:
        quotes = self.query("MarkdownBlockQuote")
        if step == 0:
            self.pages.scroll_home(animate=False)
        elif step <= len(quotes):
            came = quotes[step - 1].virtual_region
            self.pages.scroll_to(y=came.y if self.size.height >= _MIN_FOR_STEP else came.bottom + 1, animate=False)

    # The text

    def _told(self, session: Session) -> str:
        """Return the text up to the next step, with a note after each step that is done."""
        filled = [fill_known(part, session.scenario, self._known) for part in self._blank]
        steps = zip(session.scenario.steps, session.lesson.story.reached, strict=False)
        came = [f"> {wording.step_reached(step.until, t_ns)}" for step, t_ns in steps]
        return "\n\n".join([*filled[:1], *(text for pair in zip(came, filled[1:], strict=False) for text in pair)])

    @property
    def _has_figures(self) -> bool:
        return any(map(has_figures, self._blank))

    def _read(self, session: Session) -> list[str]:
        """Return the parts of the lesson without control characters, or a text with the error if it cannot be read."""
        try:
            text = clean(lesson_text(session.scenario, spoken()) or "")
        except (OSError, UnicodeDecodeError) as error:
            said = _("The lesson `{file}` cannot be read: {reason}")
            return [said.format(file=session.scenario.lesson, reason=_why(error))]
        text = with_command(text, typed_command())
        return parts(text) if session.scenario.steps else [text]

    def _note(self, session: Session) -> str:
        """Return a note if the lesson is about another policy than the present one; "" otherwise."""
        policy = session.view.live.board.policy
        if not policy or not self._of_policy or policy == self._of_policy:
            return ""
        said = _("This text is about *{policy}*. By now *{present}* schedules.")
        return said.format(policy=self._of_policy, present=policy) + "\n\n"

    def _find_figures(self, session: Session, at_once: bool) -> None:
        """Update the figures of the run and those printed by processes. Once every process has ended, the figures stay
        as they are, even if the user starts other processes."""
        now_ns = session.clock()
        due = at_once or not self._known or session.finished or now_ns - self._known_ns >= _FIGURES_EVERY_NS
        if self._final or not due or session.view.board.booted is None:
            return
        from sandbox.lessons.whatif import imagined
        from sandbox.views.figures import figures, so_far

        if self._imagined is None:
            self._imagined = imagined(session.scenario)
        story, history = session.lesson.story, session.view.history
        found = figures(history, story) if session.finished else so_far(history, story)
        self._known = {name: clean(figure.shown) for name, figure in (self._imagined | found).items()}
        self._known_ns, self._final = now_ns, session.finished

    # The foot

    def _tell_what_next(self, session: Session) -> None:
        """Show at the foot what the lesson waits for, and in the border which keys scroll and hide it."""
        config, lesson = config_of(self), session.lesson
        key = {name: config.key(name) for name in ("pause", "step", "restart", "next_lesson", "answer")}
        awaited = wording.step_awaited(lesson.awaited.until).replace("`", "") if lesson.awaited is not None else ""
        match session.lesson_waits:
            case Wait.BEGINNING | Wait.READER if session.scenario.machine.stepped:  # a stepped run is over at once
                said = _("‖ {step} one turn   {key} all of them").format(step=key["step"], key=key["pause"])
            case Wait.BEGINNING:
                said = _("‖ {key} begins").format(key=key["pause"])
            case Wait.READER:
                said = f"{_('‖ {key} goes on').format(key=key['pause'])}   {awaited}".rstrip()
            case Wait.ANSWER if session.quiz.question is not None and session.quiz.question.chooses:
                said = _("? Whose turn is it? Choose below, {key} gives it").format(key=key["answer"])
            case Wait.ANSWER:
                said = _("? Who runs next? Choose below, {key} answers").format(key=key["answer"])
            case Wait.NEVER:
                said = _("✘ This does not come any more: {step}. {key} begins the lesson again.")
                step = wording.happening(lesson.awaited.until) if lesson.awaited is not None else ""
                said = said.format(step=step, key=key["restart"])
            case Wait.STEP if session.phase is Phase.BOOTING:
                said = _("… the processes are being started")
            case Wait.STEP:
                said = f"▶ {awaited}"
                if lesson.reader_kills:
                    said = _("{awaited}: choose it, {key} kills it").format(awaited=said, key=config.key("kill"))
            case _:
                said = ""
        if session.lesson_over:
            said = _("✔ {next} next lesson   {again} once more").format(next=key["next_lesson"], again=key["restart"])
        if said != self._said:
            self._said = said
            self._foot.update(Text(said, style="bold"))
            self._foot.display = bool(said)
        up, down, hide = (config.key(action) for action in ("lesson_up", "lesson_down", "lesson"))
        keys = _("{up} {down} scroll   {hide} hides it").format(up=up, down=down, hide=hide)
        if self._has_figures and not session.finished and not self._final:
            keys = _("so far") + f"   {keys}"
        self.border_subtitle = Text(keys)


def _policy_of(session: Session) -> str:
    """Return the policy that a lesson of the course is about; "" if unknown."""
    if not session.lesson.of_course or session.scenario.machine.stepped:  # stepped lessons are not about a policy
        return ""
    try:
        return load(find(session.scenario.name)).machine.policy
    except BadInput:
        return ""


def _why(error: OSError | UnicodeDecodeError) -> str:
    return wording.system_error(error) if isinstance(error, OSError) else clean(str(error))
