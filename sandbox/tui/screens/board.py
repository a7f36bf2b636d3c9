"""The screen below all dialogs: one session, what is looked at of it, and what a person has its machine do."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widgets import Input

from sandbox.i18n import _
from sandbox.model.commands import Kill, Reload, Resume, Signal, Spawn, UsePolicy, split_command
from sandbox.tui import panels
from sandbox.tui.config import config_of
from sandbox.tui.frames import Frames
from sandbox.tui.interaction import ask, permitted, tell
from sandbox.tui.keys import PANELS, bindings
from sandbox.tui.panels.panel import Panel
from sandbox.tui.screens.exploring import ExploringScreen
from sandbox.tui.state.errors import Impossible, KernelGone
from sandbox.tui.state.guide import LessonGuide
from sandbox.tui.state.session import Session
from sandbox.tui.widgets.choices import Picked, Turned
from sandbox.tui.widgets.entry import TakesAllKeys
from sandbox.tui.widgets.keybar import KeyBar
from sandbox.tui.widgets.lesson import Lesson
from sandbox.tui.widgets.question import Answered, GoOn, QuestionBox
from sandbox.tui.widgets.status import Status
from sandbox.tui.widgets.tabs import Tabs
from sandbox.tui.widgets.timeline import Moved, Scrubbed, Timeline
from sandbox.tui.widgets.why import Why

#: So many processes are a page.
_PAGE = 10
#: Commands that can be had back where one types them.
_MAX_COMMANDS = 50


class BoardScreen(ExploringScreen, inherit_bindings=False):
    """Status, the panel in front, timeline, reason, keys. Of Textual's bindings for screens it has none: ``tab`` leads
    to the next panel. Dialogs are imported when they are opened: the first frame waits for none of them."""

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = bindings()

    def __init__(self, session: Session, frames: Frames) -> None:
        super().__init__()
        self.session = session
        #: The chosen process.
        self.chosen: int | None = None
        #: Whether there shall be lessons beside what they are about.
        self.shows_lessons = True
        self.status = Status(id="status")
        self.tabs = Tabs(id="tabs")
        self.timeline = Timeline(id="timeline")
        self.lesson = Lesson(id="lesson")
        self.lower = Horizontal(self.timeline, self.lesson, id="lower")
        self.why = Why(id="why")
        self.question = QuestionBox(id="question")
        self.keys = KeyBar(id="keys")
        self.front: Panel = panels.make("board")
        self._panels = {"board": self.front}
        self._frames = frames
        #: Commands that have been typed, or killed.
        self._commands: list[str] = []
        self._guide = LessonGuide()
        #: Which move of the viewpoint is shown.
        self._moves = 0
        #: What of the screen the lesson points at.
        self._pointed: str | None = None

    def compose(self) -> ComposeResult:
        yield from (self.status, self.tabs, self.front, self.lower, self.why, self.question, self.filter, self.keys)

    def begin(self, session: Session) -> None:
        """Another session: nothing is chosen, and its lesson is open if it has one and nobody has hidden lessons. What
        is about something else begins with the board, unless its lesson leads elsewhere."""
        if session.scenario.name != self.session.scenario.name:
            self.turn_to("board")
        self.clear_selection()
        self.session, self.chosen = session, None
        self.leave_exploration()
        self._open_lesson(session.scenario.lesson is not None and self.shows_lessons)
        self.update_all()

    def turn_to(self, name: str) -> None:
        """Have the panel of this name in front."""
        before, self.front = self.front, self._panels.get(name) or panels.make(name)
        if before is self.front:
            return
        self.clear_selection()
        before.leave()
        self.remove_class(f"timeline-{before.timeline}").add_class(f"timeline-{self.front.timeline}")
        self.set_class(name in ("states", "quadrants", "waits"), "picture")
        before.display = False
        if name in self._panels:
            self.front.update_from(self.session, self.chosen)  # what it remembers may not be there any more
            self.front.display = True
        else:
            self._panels[name] = self.front
            self.mount(self.front, before=self.lower)
        self.call_after_refresh(self._arrive, self.front)

    def _arrive(self, panel: Panel) -> None:
        if panel is self.front:  # quick keys may have led on
            panel.arrive()
            panel.update_from(self.session, self.chosen)

    # What is shown

    def update_all(self) -> None:
        """Show the session as it is now."""
        session, view = self.session, self.session.view
        self._moves = view.moves
        if self.chosen not in view.live.board.rows:
            self.chosen = None
        new = session.own.take_new()
        if new is not None:  # who starts something wants to see it
            self.chosen = new
            self.front.single_out()
        step = session.lesson.awaited if self.has_class("lesson") and session.link is not None else None
        panel = self._guide.panel(step)
        types = isinstance(self.focused, (Input, TakesAllKeys))
        if panel is not None and not types:  # nothing is taken from under who types
            self.turn_to(panel)
        named = self._guide.process(session)
        own = self.front.id == "console" and self.chosen in session.own.alive(view.live.board)
        if named is not None and not own:  # nor is the console of a program of theirs
            self.chosen = named
            self.front.single_out()
        self.chosen = self.question.update_from(session, self.chosen)
        self.set_class(self.question.display, "asking")
        if self.chosen is not None and self.front.folds and session.quiz.question is None:
            self.chosen = view.tree.head(self.chosen)
        self.set_class(view.board.paused and not view.looks_back, "paused")
        self.set_class(view.looks_back, "past")
        self._update_widgets()
        self._point_at(step.panel if step is not None else None)

    def _update_widgets(self) -> None:
        session = self.session
        self.set_class(isinstance(self.focused, TakesAllKeys), "keyed")
        self.status.update_from(session)
        self.tabs.update_from(self.front.id, self.has_class("lesson") and self.lower.display)
        if self.front.is_mounted:
            self.front.update_from(session, self.chosen)
        if self.lower.display:
            self.timeline.update_from(session, self.chosen)
        self.why.update_from(session)
        self.update_filter()
        self.keys.update_from(session, self._who_has_keys)
        if self.has_class("lesson") and (session.link is not None or session.view.board.booted is not None):
            self.lesson.update_from(session)  # the first frame does not wait for it

    @property
    def _who_has_keys(self) -> str | None:
        if isinstance(self.focused, TakesAllKeys):
            return "terminal"
        return "question" if self.question.display else self.front.id

    def _point_at(self, name: str | None) -> None:
        """Mark what the lesson speaks of, and nothing else."""
        if name == self._pointed:
            return
        for widget in self.query(".pointed"):
            widget.remove_class("pointed")
        self._pointed = name
        if name is not None:
            self.query(f"#{name}").add_class("pointed")

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Whether a terminal has the keys decides what is shown around it, even where nothing happens."""
        if isinstance(event.widget, TakesAllKeys):
            self.show_soon()

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        if isinstance(event.widget, TakesAllKeys):
            self.show_soon()

    def show_soon(self) -> None:
        """A person has changed something, and wants to see it. Another point in time is shown at once: who was born
        since then is not there, and what is drawn between two frames must not look for them."""
        if self.session.view.moves != self._moves:
            self.update_all()
        self._frames.want(soon=True)

    # What a person asks of the machine

    def _do(self, something: Callable[[], object]) -> None:
        """Have the session do something, and show what comes of it; or say why it cannot be done."""
        try:
            something()
        except KernelGone:
            said = _("The kernel process is gone. {key} starts the scenario again.")
            tell(self, said.format(key=config_of(self).key("restart")), severe=True)
        except Impossible as why:
            tell(self, str(why), why.severe)
        self.show_soon()

    def action_pause(self) -> None:
        self._do(self.session.pause)

    def action_step(self) -> None:
        self._do(self.session.step)

    def action_tempo(self, by: int) -> None:
        self._do(lambda: self.session.change_tempo(by))

    def action_predict(self) -> None:
        """Ask before each choice, or no longer."""
        quiz = self.session.quiz
        self._do(lambda: self.session.predict(not quiz.on))
        if quiz.on:
            tell(self, _("Before each choice you are asked who runs next"))

    def on_answered(self, message: Answered) -> None:
        self._do(lambda: self.session.answer(message.pid))

    def on_go_on(self, message: GoOn) -> None:
        self._do(self.session.go_on)

    def action_policy(self) -> None:
        """Choose another policy."""
        from sandbox.tui.screens.policy import ChoosePolicy

        def chosen(name: str) -> None:
            self._do(lambda: self.session.ask(UsePolicy(name)))

        if self._can_ask():
            ask(self, ChoosePolicy(self.session.view.board.policy), chosen)

    def action_reload(self) -> None:
        """Go on with the same policy, as its file is by now."""
        if permitted(self):
            self._do(lambda: self.session.ask(Reload()))

    def action_quantum(self, by: int) -> None:
        """A longer or a shorter slice."""
        session = self.session
        if self._can_ask():
            self._do(lambda: session.ask(session.quantum.change(session.view.board, by)))

    def action_new(self) -> None:
        """Start a process."""
        from sandbox.tui.screens.forms import NewProcess

        def typed(command: str) -> None:
            self._remember(command)
            self._do(lambda: self.session.ask(Spawn(split_command(command))))

        if permitted(self) and self._can_ask():
            ask(self, NewProcess(self._commands), typed)

    def _can_ask(self) -> bool:
        """Whether there is a machine; if not, it is said before anybody fills in a dialog."""
        if not self.session.has_machine:
            self._do(lambda: self.session.ask(Resume()))
        return self.session.has_machine

    def _remember(self, command: str) -> None:
        """This one can be had back where one types commands."""
        self._commands = [*(each for each in self._commands if each != command), command][-_MAX_COMMANDS:]

    def action_kill(self, surely: bool = False) -> None:
        """Send the chosen process a signal; which one is asked, unless it shall be killed ``surely``."""
        from sandbox.tui.screens.kill import ask_for_signal

        pid = self._chosen()
        if pid is not None and self._can_ask():
            ask_for_signal(self, self.session, pid, surely, lambda name: self._signal(pid, name))

    def _signal(self, pid: int, name: str) -> None:
        from sandbox.tui.screens.kill import tell_after

        self._do(lambda: self.session.ask(Kill(str(pid)) if name == "TERM" else Signal(str(pid), name)))
        command = tell_after(self, self.session, pid, name)
        if command is not None:
            self._remember(command)

    # Which process is chosen

    def action_select(self, by: int) -> None:
        """Choose the next process, or one before."""
        view = self.session.view
        names = view.names
        pids = [member.pid for member in view.members if member.pid in names]
        if pids:
            chosen = view.tree.head(self.chosen) if self.chosen is not None else None
            before = pids.index(chosen) if chosen in pids else -1 if by > 0 else len(pids)
            self._choose(pids[max(min(before + by, len(pids) - 1), 0)])

    def action_select_end(self, by: int) -> None:
        """Choose the last of the processes that lists show, or the first."""
        self.action_select(by * max(len(self.session.view.members), 1))

    def on_picked(self, message: Picked) -> None:
        """Where a person is the scheduler, a click gives the turn."""
        question = self.session.quiz.question
        self._choose(message.pid)
        if question is not None and question.chooses and message.clicked:
            if message.pid in question.candidates:
                self._do(lambda: self.session.answer(message.pid))
        elif message.twice:
            self.action_inspect()

    def _choose(self, pid: int) -> None:
        self.chosen = pid
        self.show_soon()

    def _chosen(self) -> int | None:
        """The chosen process, if it is there; else it is said what is missing."""
        view, pid = self.session.view, self.chosen
        if pid not in view.live.names:
            pid = self.chosen = None  # it was, and is remembered no longer
        if pid is None:
            keys = " ".join(config_of(self).key(f"select_{which}") for which in ("previous", "next"))
            said = _("Choose a process first: {keys}, or click one") if view.names else _("There is no process")
            tell(self, said.format(keys=keys))
        elif pid not in view.names:
            tell(self, _("{name} was not born yet").format(name=view.live.names[pid]))
            return None
        return pid

    def action_fold(self) -> None:
        """Fold descendants away, or unfold them; none that is folded away is chosen."""
        tree = self.session.view.tree
        if not tree.fold(self.chosen):
            nobody, alone = _("Nobody has children here"), _("It has no children, and no parent here")
            tell(self, nobody if self.chosen is None else alone)
        elif self.chosen is not None:
            self.chosen = tree.head(self.chosen)
        self.show_soon()

    def action_inspect(self) -> None:
        """Look into the chosen process."""
        pid = self._chosen()
        if pid is not None:
            from sandbox.tui.screens.inspect import Inspect

            self.app.push_screen(Inspect(self.session, pid))

    # Which time is looked at

    def _look(self, move: Callable[[], object]) -> None:
        self._do(lambda: self.session.look(move))

    def _look_at(self, t_ns: int) -> None:
        self._look(lambda: self.session.view.look_at(t_ns))

    def action_step_back(self) -> None:
        """One scheduling decision back."""
        self._look(self.session.view.back)

    def action_start(self) -> None:
        self._look(self.session.view.to_start)

    def action_present(self) -> None:
        self.session.view.to_present()
        self.show_soon()

    def action_next_change(self) -> None:
        """The next change of the chosen process."""
        view, pid = self.session.view, self.chosen
        if pid not in view.live.names or pid is None:
            self._chosen()
        elif not view.to_next_change(pid):
            tell(self, _("{name} has not changed since").format(name=view.live.names[pid]))
        self.show_soon()

    def action_go_to(self) -> None:
        from sandbox.tui.screens.forms import GoToTime, time_ns

        ask(self, GoToTime(self.session.view.now_ns), lambda text: self._look_at(time_ns(text)))

    def action_move(self, cells: int) -> None:
        """To the right by so many cells of the timeline, or to the left."""
        self._look_at(max(self.session.view.now_ns + cells * self.timeline.extent.cell_ns, 0))

    def on_turned(self, message: Turned) -> None:
        """A line of the log is a point of the run."""
        if message.index is None:
            self.action_present()
        else:
            index = message.index
            self._look(lambda: self.session.view.go(index))

    def on_scrubbed(self, message: Scrubbed) -> None:
        self._look_at(message.t_ns)

    # The timeline

    def action_zoom(self, by: int) -> None:
        """Show a longer time, or a shorter one; by 0, the whole run."""
        extent, view = self.timeline.extent, self.session.view
        extent.zoom_by(by or extent.steps_to_all(view.present_ns), view.now_ns if view.looks_back else None)
        self.show_soon()

    def action_pan(self, by: int) -> None:
        """Show a later stretch of time, or an earlier one."""
        self.timeline.extent.pan(by / 4)
        self.show_soon()

    def action_mark(self) -> None:
        """Mark the time that is looked at."""
        self.timeline.extent.mark(self.session.view.now_ns)
        self.show_soon()

    def on_moved(self, message: Moved) -> None:
        self.show_soon()

    # Panels and the lesson

    def action_panel(self, name: str) -> None:
        """Turn to the panel of this name."""
        self.turn_to(name)
        self.show_soon()

    def action_next_panel(self, by: int) -> None:
        """Turn to the next panel, or to the one before."""
        names = [panel.id for panel in PANELS]
        self.action_panel(names[(names.index(self.front.id or "") + by) % len(names)])

    def action_lesson(self) -> None:
        """Show or hide the lesson; it stands beside the timeline, on the board if nowhere else."""
        if self.session.scenario.lesson is None:
            tell(self, _("This scenario has no lesson"))
            return
        self.shows_lessons = self.front.timeline == "never" or not self.has_class("lesson")
        if self.front.timeline == "never":
            self.turn_to("board")
        self._open_lesson(self.shows_lessons)
        self.show_soon()

    def _open_lesson(self, is_open: bool) -> None:
        self.set_class(is_open, "lesson")
        self.session.show_lesson(is_open)

    def action_scroll_lesson(self, pages: int) -> None:
        """A page down, or up; without a lesson the processes go by so many."""
        if not (self.has_class("lesson") and self.lower.display):
            self.action_select(pages * _PAGE)
        elif pages > 0:
            self.lesson.text.scroll_page_down(animate=False)
        else:
            self.lesson.text.scroll_page_up(animate=False)
