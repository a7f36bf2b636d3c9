"""The lesson beside the timeline: what to watch for, step by step, with the figures of the run as they come."""

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

#: Figures of a run that goes on are told anew no more often.
_FIGURES_EVERY_NS = 1 * S

#: In fewer lines what came gives way to what is said of it.
_MIN_FOR_STEP = 8


class LessonText(VerticalScroll, can_focus=False):
    """It never takes the keys of the board."""


class Lesson(Vertical):
    """Scrolls with page up and page down, and with the mouse. A part of the lesson appears when the step before it is
    done, below what has been read; at its foot, always in sight, stands what it waits for, and which key goes on."""

    DEFAULT_CLASSES = "framed"

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._session: Session | None = None
        #: How many of its steps are shown.
        self._step = 0
        self._parts: list[str] = []
        self._of_policy = ""
        #: The parts that are told by now, without their figures; and all of it as it is shown.
        self._blank: list[str] = []
        self._text = ""
        #: The figures as they were told last, and when; those of the end of the lesson's run stay.
        self._known: dict[str, str] = {}
        self._imagined: dict[str, Figure] | None = None
        self._known_ns = 0
        self._final = False
        self.pages = LessonText(id="lesson-text")
        #: Below the text, not over it: where one lies over the other, halves of wide characters are lost.
        self._foot = Static(id="lesson-foot", markup=False)
        self._said = ""
        self._markdown: Markdown | None = None

    def compose(self) -> ComposeResult:
        yield from (self.pages, self._foot)

    def update_from(self, session: Session) -> None:
        """Show the scenario's lesson as far as its steps have come, with its figures."""
        other = self._session is not session
        self._tell_what_next(session)
        if session.view.looks_back and not other:
            return  # it speaks of the whole run
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
        """Another text, and of it what follows a step (0: its beginning; None: what was in sight before)."""
        self.border_title = _("LESSON")
        if self._markdown is None:
            from textual.widgets import Markdown  # it is large, and the first frame does not wait for it

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
        """What one reads stays in sight."""
        self.call_after_refresh(self._bring_into_view, self._step)

    def _bring_into_view(self, step: int) -> None:
        quotes = self.query("MarkdownBlockQuote")
        if step == 0:
            self.pages.scroll_home(animate=False)
        elif step <= len(quotes):
            came = quotes[step - 1].virtual_region
            self.pages.scroll_to(y=came.y if self.size.height >= _MIN_FOR_STEP else came.bottom + 1, animate=False)

    # What there is to read

    def _told(self, session: Session) -> str:
        """As far as it has come, and between its parts what came."""
        filled = [fill_known(part, session.scenario, self._known) for part in self._blank]
        steps = zip(session.scenario.steps, session.lesson.story.reached, strict=False)
        came = [f"> {wording.step_reached(step.until, t_ns)}" for step, t_ns in steps]
        return "\n\n".join([*filled[:1], *(text for pair in zip(came, filled[1:], strict=False) for text in pair)])

    @property
    def _has_figures(self) -> bool:
        return any(map(has_figures, self._blank))

    def _read(self, session: Session) -> list[str]:
        """The parts of the lesson, harmless; what is wrong with it where it cannot be read."""
        try:
            text = clean(lesson_text(session.scenario, spoken()) or "")
        except (OSError, UnicodeDecodeError) as error:
            said = _("The lesson `{file}` cannot be read: {reason}")
            return [said.format(file=session.scenario.lesson, reason=_why(error))]
        text = with_command(text, typed_command())
        return parts(text) if session.scenario.steps else [text]

    def _note(self, session: Session) -> str:
        """Under another policy than the one that it is about, its text is not true."""
        policy = session.view.live.board.policy
        if not policy or not self._of_policy or policy == self._of_policy:
            return ""
        said = _("This text is about *{policy}*. By now *{present}* schedules.")
        return said.format(policy=self._of_policy, present=policy) + "\n\n"

    def _find_figures(self, session: Session, at_once: bool) -> None:
        """What processes have printed, and what is known of the run by now. Once every process has ended, what the
        lesson has come to stays, whatever somebody starts afterwards."""
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

    # What is next

    def _tell_what_next(self, session: Session) -> None:
        """At its foot, and below it which keys scroll and hide it."""
        config, lesson = config_of(self), session.lesson
        key = {name: config.key(name) for name in ("pause", "step", "restart", "next_lesson", "answer")}
        awaited = wording.step_awaited(lesson.awaited.until).replace("`", "") if lesson.awaited is not None else ""
        match session.lesson_waits:
            case Wait.BEGINNING | Wait.READER if session.scenario.machine.stepped:  # a run is over in no time
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
            over = _("✔ {next} next lesson   {again} once more").format(next=key["next_lesson"], again=key["restart"])
            said = f"{said}   {over}" if session.lesson_waits is Wait.READER else over  # a pause that ends with a key
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
    """The policy that a lesson of the course is about; "" where that is not known."""
    if not session.lesson.of_course or session.scenario.machine.stepped:  # by line it is about any of them
        return ""
    try:
        return load(find(session.scenario.name)).machine.policy
    except BadInput:
        return ""


def _why(error: OSError | UnicodeDecodeError) -> str:
    return wording.system_error(error) if isinstance(error, OSError) else clean(str(error))
