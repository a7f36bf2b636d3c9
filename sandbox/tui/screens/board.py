"""The screen below all dialogs."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Input

from sandbox.model.spec import PANELS, Step
from sandbox.tui import panels
from sandbox.tui.panels.panel import Panel
from sandbox.tui.state.session import Session
from sandbox.tui.widgets.keybar import KeyBar
from sandbox.tui.widgets.lesson import Lesson
from sandbox.tui.widgets.question import WhoNext
from sandbox.tui.widgets.status import Status
from sandbox.tui.widgets.tabs import Tabs
from sandbox.tui.widgets.timeline import Timeline
from sandbox.tui.widgets.why import Why

#: What the board consists of.
_COLUMNS = ("ready", "running", "blocked", "done")


class BoardScreen(Screen[None], inherit_bindings=False):
    """Status, the panel in front, timeline, reason, keys. Of Textual's bindings for screens it has none: ``tab`` leads
    to the next panel."""

    AUTO_FOCUS = ""

    def __init__(self) -> None:
        super().__init__()
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
        self.who_next = WhoNext(id="who-next")
        self.keys = KeyBar(id="keys")
        self.front: Panel = panels.make("board")
        self._panels = {"board": self.front}
        self._session: Session | None = None
        #: What of the screen the lesson points at, the step that it follows, and whom that names who is not born yet.
        self._pointed: str | None = None
        self._followed: Step | None = None
        self._awaited: str | None = None

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield from (self.status, self.tabs, self.front, self.lower, self.why, self.who_next, self.keys)

    def begin(self, session: Session) -> None:
        """Another session: nothing is chosen, and its lesson is open if it has one and nobody has hidden lessons."""
        self.chosen = None
        self.set_class(session.scenario.lesson is not None and self.shows_lessons, "lesson")
        self.show(session)

    def turn_to(self, name: str) -> None:
        """Have the panel of this name in front."""
        before, self.front = self.front, self._panels.get(name) or panels.make(name)
        if before is self.front:
            return
        before.leave()
        before.display = False
        self.remove_class(f"timeline-{before.timeline}").add_class(f"timeline-{self.front.timeline}")
        if name in self._panels:
            self.front.display = True
        else:
            self._panels[name] = self.front
            self.mount(self.front, before=self.lower)
        self.call_after_refresh(self._arrive, self.front)

    def _arrive(self, panel: Panel) -> None:
        if panel is self.front:  # quick keys may have led on
            panel.arrive()
            if self._session is not None:
                panel.show(self._session, self.chosen)

    def show(self, session: Session) -> None:
        """Show the session as it is now."""
        self._session = session
        if self.chosen not in session.past.live.board.rows:
            self.chosen = None
        step = self._step(session)
        self._follow(session, step)
        self.chosen = self.who_next.show(session, self.chosen)
        self.set_class(self.who_next.display, "asking")
        if self.chosen is not None and self.front.folds and session.question is None:
            self.chosen = session.family.head(self.chosen)
        self.set_class(session.board.paused and not session.looks_back, "paused")
        self.set_class(session.looks_back, "past")
        self.status.show(session)
        self.tabs.show(self.front.id, self.has_class("lesson") and self.lower.display)
        if self.front.is_mounted:
            self.front.show(session, self.chosen)
        if self.lower.display:
            self.timeline.show(session, self.chosen)
        self.why.show(session)
        self.keys.show(session, "question" if self.who_next.display else self.front.id)
        if self.has_class("lesson") and (session.link is not None or session.board.booted is not None):
            self.lesson.show(session)  # the first frame does not wait for it
        self._point_at(step.panel if step is not None else None)

    def _step(self, session: Session) -> Step | None:
        """The step of the lesson that its reader is at, if there is one."""
        return session.reading.awaited if self.has_class("lesson") and session.link is not None else None

    def _follow(self, session: Session, step: Step | None) -> None:
        """When a step begins, have the panel in front that it is about, and choose the process that it names, as soon
        as that is born. What the reader turns to afterwards is his own affair, and nothing is taken from under his
        fingers while he types."""
        if step is not self._followed:
            self._followed = step
            self._awaited = step.process if step is not None else None
            if step is not None and step.panel is not None and not isinstance(self.focused, Input):
                name = "board" if step.panel in _COLUMNS else step.panel
                if name in PANELS:
                    self.turn_to(name)
        if self._awaited is not None:
            paths = session.story.paths
            pid = next((pid for pid, path in paths.items() if path == self._awaited), None)
            if pid in session.past.live.board.rows:
                self.chosen, self._awaited = pid, None
                self.front.single_out()

    def _point_at(self, name: str | None) -> None:
        """Mark what the lesson speaks of, and nothing else."""
        if name == self._pointed:
            return
        for widget in self.query(".pointed"):
            widget.remove_class("pointed")
        self._pointed = name
        if name is not None:
            self.query(f"#{name}").add_class("pointed")
