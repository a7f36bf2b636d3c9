"""The main screen, below all dialogs: a session, the point looked at, and the user's actions on the machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal

from sandbox.i18n import _
from sandbox.tui import panels
from sandbox.tui.config import config_of
from sandbox.tui.frames import Frames
from sandbox.tui.interaction import ask, tell
from sandbox.tui.keys import PANELS, bindings
from sandbox.tui.panels.panel import Panel
from sandbox.tui.screens.exploring import Exploring
from sandbox.tui.screens.lessons import LessonPlace
from sandbox.tui.screens.lists import ListControls
from sandbox.tui.screens.operator import MachineOperator
from sandbox.tui.state.listing import Listing
from sandbox.tui.state.session import Session
from sandbox.tui.widgets.choices import Picked, Sorted, Turned
from sandbox.tui.widgets.entry import TakesAllKeys
from sandbox.tui.widgets.filter import FilterLine
from sandbox.tui.widgets.keybar import KeyBar
from sandbox.tui.widgets.lines import SelectingScreen
from sandbox.tui.widgets.question import Answered, GoOn, QuestionBox
from sandbox.tui.widgets.status import Status
from sandbox.tui.widgets.tabs import Clicked, Tabs
from sandbox.tui.widgets.timeline import Moved, Scrubbed, Timeline
from sandbox.tui.widgets.why import Why

#: The number of processes on a page.
_PAGE = 10


class BoardScreen(SelectingScreen[None], inherit_bindings=False):
    """The main screen: status, the panel in front, timeline, reason, keys. Textual's own bindings of screens are not
    inherited, as ``tab`` leads to the next panel. Dialogs are imported when they are opened, to show the first frame
    sooner."""

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = bindings()

    def __init__(self, session: Session, frames: Frames) -> None:
        super().__init__()
        self.session = session
        #: The chosen process.
        self.chosen: int | None = None
        self._lesson = LessonPlace(self)
        self.status = Status(id="status")
        self.tabs = Tabs(id="tabs")
        self.timeline = Timeline(id="timeline")
        self.lower = Horizontal(self.timeline, self._lesson.text, id="lower")
        self.why = Why(id="why")
        self.question = QuestionBox(id="question")
        self.keys = KeyBar(id="keys")
        self.front: Panel = panels.make("board")
        self._panels = {"board": self.front}
        self._frames = frames
        self.operator = MachineOperator(self)
        self._lists = ListControls(self)
        self._exploring = Exploring(self)
        #: The number of the viewpoint's moves at the last update.
        self._moves = 0

    def compose(self) -> ComposeResult:
        yield from (self.status, self.tabs, self.front, self.lower, self.why, self.question)
        yield from (self._lists.filter, self.keys)

    def begin(self, session: Session) -> None:
        """Show another session, with no process chosen. Its lesson is open if it has one, unless the user has hidden
        lessons. Another scenario begins with the board panel, unless its lesson leads elsewhere."""
        if session.scenario.name != self.session.scenario.name:
            self.turn_to("board")
        self.clear_selection()
        self.session, self.chosen = session, None
        self._exploring.leave()
        self._lesson.begin()
        self.update_all()

    def turn_to(self, name: str) -> None:
        """Bring the panel of this name to the front."""
        before, self.front = self.front, self._panels.get(name) or panels.make(name)
        if before is self.front:
            return
        self.clear_selection()
        before.leave()
        self.remove_class(f"timeline-{before.timeline}").add_class(f"timeline-{self.front.timeline}")
        self.set_class(name in ("states", "quadrants", "waits"), "picture")
        before.display = False
        if name in self._panels:
            self.front.update_from(self.session, self.chosen)  # its contents may be out of date
            self.front.display = True
        else:
            self._panels[name] = self.front
            self.mount(self.front, before=self.lower)
        self.call_after_refresh(self._arrive, self.front)

    def _arrive(self, panel: Panel) -> None:
        if panel is self.front:  # quick keys may have led to another panel
            panel.arrive()
            panel.update_from(self.session, self.chosen)

    # Updates

    def update_all(self) -> None:
        """Show the session as it is now."""
        session, view = self.session, self.session.view
        self._moves = view.moves
        if self.chosen not in view.live.board.rows:
            self.chosen = None
        new = session.own.take_new()
        if new is not None:  # the user wants to see a newly started process
            self.single_out(new)
        self._lesson.lead()
        self.chosen = self.question.update_from(session, self.chosen)
        self.set_class(self.question.display, "asking")
        if self.chosen is not None and self.front.folds and session.quiz.question is None:
            self.chosen = view.tree.head(self.chosen)
        self.set_class(view.board.paused and not view.looks_back, "paused")
        self.set_class(view.looks_back, "past")
        self._update_widgets()

    def _update_widgets(self) -> None:
        session = self.session
        self.set_class(isinstance(self.focused, TakesAllKeys), "keyed")
        self.status.update_from(session)
        self.tabs.update_from(self.front.id, self._lesson.is_seen)
        if self.front.is_mounted:
            self.front.update_from(session, self.chosen)
        if self.lower.display:
            self.timeline.update_from(session, self.chosen)
        self.why.update_from(session)
        self._lists.update()
        self.keys.update_from(session, self._who_has_keys)
        self._lesson.update()

    @property
    def _who_has_keys(self) -> str | None:
        if isinstance(self.focused, TakesAllKeys):
            return "terminal"
        return "question" if self.question.display else self.front.id

    def on_resize(self, event: events.Resize) -> None:
        """Update soon, as the layout depends on the size, even if nothing else changes."""
        self.call_after_refresh(self.show_soon)

    async def on_clicked(self, message: Clicked) -> None:
        """Do what the key of the clicked widget does."""
        of = {"": self, "question": self.question, "terminal": self.focused}.get(message.panel, self.front)
        await self.app.run_action(message.does, of)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Update soon, as the rest of the screen depends on whether a terminal has the focus."""
        if isinstance(event.widget, TakesAllKeys):
            self.show_soon()

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        if isinstance(event.widget, TakesAllKeys):
            self.show_soon()

    def show_soon(self) -> None:
        """Update soon, as the user waits to see the effect of an action. A move to another point in time is shown at
        once: processes born later do not exist there, and nothing drawn before the next frame must refer to them."""
        if self.session.view.moves != self._moves:
            self.update_all()
        self._frames.want(soon=True)

    # Requests to the machine

    def action_pause(self) -> None:
        self.operator.do(self.session.pause)

    def action_step(self) -> None:
        self.operator.do(self.session.step)

    def action_tempo(self, by: int) -> None:
        self.operator.do(lambda: self.session.change_tempo(by))

    def action_predict(self) -> None:
        self.operator.predict()

    def on_answered(self, message: Answered) -> None:
        self.operator.do(lambda: self.session.answer(message.pid))

    def on_go_on(self, message: GoOn) -> None:
        self.operator.do(self.session.go_on)

    def action_policy(self) -> None:
        self.operator.choose_policy()

    def action_reload(self) -> None:
        self.operator.reload_policy()

    def action_quantum(self, by: int) -> None:
        self.operator.change_quantum(by)

    def action_new(self) -> None:
        self.operator.start_process()

    def action_kill(self, surely: bool = False) -> None:
        """Send the chosen process a signal, or kill it if ``surely``."""
        pid = self._chosen()
        if pid is not None:
            self.operator.send_signal(pid, surely)

    def action_explore(self) -> None:
        self._exploring.begin()

    def action_stop_exploring(self) -> None:
        self._exploring.stop()

    def on_exploration_line_over(self) -> None:
        self._exploring.over()

    # Lists

    def action_filter(self) -> None:
        self._lists.open_filter()

    def on_filter_line_changed(self, message: FilterLine.Changed) -> None:
        self._lists.look_for(message.text)
        self.show_soon()

    def on_filter_line_left(self) -> None:
        self.front.take_keys()
        self.show_soon()

    def action_sort(self) -> None:
        self._lists.change(Listing.next_order)

    def action_sort_backwards(self) -> None:
        self._lists.change(Listing.turn_order)

    def action_hide_ended(self) -> None:
        self._lists.change(Listing.hide_ended)

    def on_sorted(self, message: Sorted) -> None:
        """Sort lists by the clicked heading."""
        self._lists.listing.take_order(message.order)
        self.show_soon()

    # The chosen process

    def action_select(self, by: int) -> None:
        """Choose another process, ``by`` places further on in the list."""
        view = self.session.view
        names = view.names
        pids = [member.pid for member in view.members if member.pid in names]
        if pids:
            chosen = view.tree.head(self.chosen) if self.chosen is not None else None
            before = pids.index(chosen) if chosen in pids else -1 if by > 0 else len(pids)
            self._choose(pids[max(min(before + by, len(pids) - 1), 0)])
        else:
            tell(self, _("No process is shown") if names else _("There is no process"))

    def action_select_end(self, by: int) -> None:
        """Choose the last process in the list, or the first."""
        self.action_select(by * max(len(self.session.view.members), 1))

    def on_picked(self, message: Picked) -> None:
        """Choose the process. A click also gives it the turn if the user decides who runs; a double click inspects
        it."""
        question = self.session.quiz.question
        self._choose(message.pid)
        if question is not None and question.chooses and message.clicked:
            if message.pid in question.candidates:
                self.operator.do(lambda: self.session.answer(message.pid))
        elif message.twice:
            self.action_inspect()

    def ask_what_to_do(self, pid: int) -> None:
        """Choose a process and open its menu, which gives it no turn under a manual policy."""
        from sandbox.tui.screens.menu import open_menu

        self._choose(pid)
        open_menu(self, pid)

    def single_out(self, pid: int) -> None:
        """Choose a process, and have the panel in front show it alone if it can."""
        self.chosen = pid
        self.front.single_out()

    def _choose(self, pid: int) -> None:
        self.chosen = pid
        self.show_soon()

    def _chosen(self) -> int | None:
        """Return the chosen process, if it exists at the point looked at; otherwise tell the user what is wrong, and
        return None."""
        view, pid = self.session.view, self.chosen
        if pid not in view.live.names:
            pid = self.chosen = None  # it is no longer remembered
        if pid is None:
            keys = " ".join(config_of(self).key(f"select_{which}") for which in ("previous", "next"))
            said = _("Choose a process first: {keys}, or click one") if view.names else _("There is no process")
            tell(self, said.format(keys=keys))
        elif pid not in view.names:
            tell(self, _("{name} was not born yet").format(name=view.live.names[pid]))
            return None
        return pid

    def action_fold(self) -> None:
        """Fold or unfold descendants. If the chosen process is folded away, the one with its line is chosen."""
        tree = self.session.view.tree
        if not tree.fold(self.chosen):
            nobody, alone = _("Nobody has children here"), _("It has no children, and no parent here")
            tell(self, nobody if self.chosen is None else alone)
        elif self.chosen is not None:
            self.chosen = tree.head(self.chosen)
        self.show_soon()

    def action_inspect(self) -> None:
        """Inspect the chosen process."""
        pid = self._chosen()
        if pid is not None:
            from sandbox.tui.screens.inspect import Inspect

            self.app.push_screen(Inspect(self.session, pid))

    # The time looked at

    def _look(self, move: Callable[[], object]) -> None:
        self.operator.do(lambda: self.session.look(move))

    def _look_at(self, t_ns: int) -> None:
        self._look(lambda: self.session.view.look_at(t_ns))

    def action_step_back(self) -> None:
        """Go back by one scheduling decision."""
        self._look(self.session.view.back)

    def action_start(self) -> None:
        self._look(self.session.view.to_start)

    def action_present(self) -> None:
        self.session.view.to_present()
        self.show_soon()

    def action_next_change(self) -> None:
        """Go to the next change of the chosen process."""
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
        """Look at a time ``cells`` cells of the timeline later, or earlier if negative."""
        self._look_at(max(self.session.view.now_ns + cells * self.timeline.extent.cell_ns, 0))

    def on_turned(self, message: Turned) -> None:
        """Go to the point of the clicked line of the log."""
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
        before, about_ns = extent.zoom, view.now_ns if view.looks_back else None
        if self._has_timeline():
            extent.zoom_by(by or extent.steps_to_all(view.present_ns), about_ns)
            if extent.zoom == before and (by or extent.first == 0):
                tell(self, _("The whole run is in sight") if not by else _("It cannot show a period of other length"))
        self.show_soon()

    def action_pan(self, by: int) -> None:
        """Show a later or an earlier stretch of time."""
        extent = self.timeline.extent
        if self._has_timeline():
            if (by < 0 and extent.first == 0) or (by > 0 and extent.until_ns > self.session.view.present_ns):
                tell(self, _("The run begins here") if by < 0 else _("This is the present"))
            extent.pan(by / 4)
        self.show_soon()

    def action_mark(self) -> None:
        """Mark the time looked at."""
        if self._has_timeline():
            self.timeline.extent.mark(self.session.view.now_ns)
        self.show_soon()

    def _has_timeline(self) -> bool:
        """Whether the timeline is on the screen; if not, the user is told."""
        if not self.timeline.is_on_screen:
            tell(self, _("There is no timeline here"))
        return self.timeline.is_on_screen

    def on_moved(self, message: Moved) -> None:
        self.show_soon()

    # Panels and the lesson

    def action_panel(self, name: str) -> None:
        """Show the panel of this name."""
        self.turn_to(name)
        self.show_soon()

    def action_next_panel(self, by: int) -> None:
        """Show the next panel, or the previous one."""
        names = [panel.id for panel in PANELS]
        self.action_panel(names[(names.index(self.front.id or "") + by) % len(names)])

    def action_lesson(self) -> None:
        self._lesson.toggle()

    def action_scroll_lesson(self, pages: int) -> None:
        """Scroll the lesson by pages; without a lesson, choose a process pages further on."""
        if self._lesson.is_seen:
            self._lesson.scroll(pages)
        else:
            self.action_select(pages * _PAGE)
