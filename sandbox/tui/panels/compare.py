"""The running scenario under several policies in virtual time, beside the run and without disturbing it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.strip import Strip
from textual.timer import Timer
from textual.widgets import Input, Static

from sandbox import wording
from sandbox.analysis.comparison.messages import PACKAGE, AnyMessage, Compared, CompareTask, Running, decode_message
from sandbox.i18n import _
from sandbox.link.worker import BadTask, Worker
from sandbox.machines.simulate import obstacles
from sandbox.policies import choice as contenders
from sandbox.render.cells import wrap
from sandbox.render.gantt import Line
from sandbox.scenario import Problem
from sandbox.tui.clipboard import save
from sandbox.tui.interaction import ask, permitted
from sandbox.tui.keys import bindings
from sandbox.tui.listening import Listening
from sandbox.tui.panels.panel import Panel
from sandbox.tui.state.session import Session
from sandbox.tui.widgets.entry import EntryLine
from sandbox.tui.widgets.lines import ScrolledLines, line
from sandbox.util.text import clean_line


class Pages(ScrolledLines):
    """Lines whose pieces have tones: each the name of a style."""

    DEFAULT_CLASSES = "framed main"

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._all: Sequence[Line] = ()
        self._top = 0

    def set_lines(self, lines: Sequence[Line], anew: bool = False) -> None:
        """Show these, from their beginning; ``anew``: they say in other words what is there, and the place stays."""
        if lines is not self._all:
            self._all = lines
            self._top = max(min(self._top, len(lines) - self.size.height), 0) if anew else 0
            self.update_lines()

    def move(self, by: int) -> None:
        self._top = max(min(self._top + by, len(self._all) - self.size.height), 0)

    @property
    def place(self) -> str:
        """Which of the lines are in sight, in words; "" if all are."""
        count, height = len(self._all), self.size.height
        if count <= height:
            return ""
        figures = {"first": self._top + 1, "last": min(self._top + height, count), "number": count}
        return _("{first} … {last} of {number} lines").format(**figures)

    def draw(self, width: int, height: int) -> list[Strip]:
        shown = self._all[self._top : self._top + height]
        return [
            line([(text, getattr(self.palette, tone)) for text, tone in pieces], width) if pieces else self.blank(width)
            for pieces in shown
        ]


#: Cells of the bar of progress.
_BAR = 20
#: On narrower terminals sentences are cut off rather than broken into many short lines.
_MIN_SENTENCE = 40
#: Seconds for which the terminal has kept its size before a table is made for it.
_SETTLED_S = 0.3
#: What took longer than this, in seconds, is not made again for the sake of its width.
_MAX_AGAIN_S = 10


class Compare(Panel, can_focus=True):
    """Which policies take part, and what came of it. The work is done in a process of its own, which ends when another
    panel comes to the front."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("compare")
    timeline = "never"
    filters = ""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._entry = EntryLine(id="contenders", compact=True)
        self._pages = Pages(id="standings")
        self._session: Session | None = None
        self._comparison: Worker[AnyMessage] | None = None
        self._listening: Listening | None = None
        #: Whether it has told all that there is to tell.
        self._done = False
        #: What came of the last one, and what it had been asked for.
        self._outcome: Compared | None = None
        self._asked_for: CompareTask | None = None
        self._began_s = self._took_s = 0.0
        #: Until the size has come to rest.
        self._settling: Timer | None = None
        self._as_graphs = False
        #: Says again what it says, where that is sentences.
        self._again: Callable[[], None] | None = None

    def compose(self) -> ComposeResult:
        yield Horizontal(Static(f" {_('policies')} ", id="contenders-title"), self._entry, id="contenders-row")
        yield self._pages

    def update_from(self, session: Session, chosen: int | None) -> None:
        if session.scenario is not (self._session.scenario if self._session is not None else None):
            self._stop()
            own = [contender.label for contender in contenders.sensible(session.scenario)]
            said = _("all that make sense: {policies}").format(policies=", ".join(own))
            self._entry.placeholder = clean_line(said, max(self._entry.size.width, _MIN_SENTENCE))
            self._invite()
        self._session = session
        self._pages.entitle(_("COMPARE in virtual time"), self._pages.place)

    def leave(self) -> None:
        super().leave()
        self._give_up()

    def on_resize(self) -> None:
        """Sentences are broken anew; a table is made anew when the size has come to rest."""
        if self._again is not None:
            self.call_after_refresh(self._again)
        if self._settling is not None:
            self._settling.stop()
        self._settling = self.set_timer(_SETTLED_S, self._fit_width)

    def on_unmount(self) -> None:
        """Leave no process behind."""
        self._stop()

    def _give_up(self) -> None:
        if self._comparison is not None:
            self._stop()
            if self._outcome is None:
                self._invite()
            elif self._asked_for is not None:  # cut short: what is shown still has another width
                self._asked_for.width = 0

    def _fit_width(self) -> None:
        """In virtual time the same comes out again: what is shown is made once more, for the width that there is."""
        width, task = self._pages.size.width, self._asked_for
        shown = self._outcome is not None and self.display
        if shown and task is not None and task.width != width and self._took_s <= _MAX_AGAIN_S:
            self._begin(msgspec.structs.replace(task, width=width))

    # The comparison

    def _invite(self) -> None:
        self._outcome, self._again = None, self._invite
        start, choose = self.key("compare_start"), self.key("compare_choose")
        says = _("{key} runs this scenario once under each policy, in virtual time. What runs goes on.")
        example = _("{key} chooses who takes part: {example}")
        example = example.format(key=choose, example="fcfs, rr:quantum=20ms, mine.py:Mine")
        self._pages.set_lines(
            [
                [],
                *([(f" {line}", "text")] for line in self._broken(says.format(key=start))),
                [(f" {example}", "dim")],
            ]
        )

    def _say(self, sentences: Sequence[str]) -> None:
        self._again = lambda: self._say(sentences)
        broken = [line for sentence in sentences for line in self._broken(sentence)]
        self._pages.set_lines([[], *([(f" {line}", "text")] for line in broken)])

    def _broken(self, sentence: str) -> list[str]:
        """In lines, all but the first indented."""
        width = max(self._pages.size.width - 2, _MIN_SENTENCE)
        return wrap(sentence, width, indent="    ")

    def _start(self, session: Session) -> None:
        self._stop()
        self._outcome = None
        problems = obstacles(session.scenario)
        if problems:
            self._say([_("This scenario cannot be compared in virtual time."), *map(_sentence, problems)])
            return
        written = self._entry.value.strip() or None
        if written is not None and ".py" in written and not permitted(self):
            return
        self._say(["…"])
        self._begin(CompareTask(session.scenario, written, self._pages.size.width))

    def _begin(self, task: CompareTask) -> None:
        self._stop()
        self._asked_for, self._done, self._began_s = task, False, time.monotonic()
        try:
            self._comparison = Worker(PACKAGE, task, decode_message)
        except OSError as error:
            self._outcome = None
            said = _("the comparison cannot be started: {reason}")
            self._say([said.format(reason=wording.system_error(error))])
        else:
            self._listening = Listening(self._comparison, self._heard)

    def _stop(self) -> None:
        if self._comparison is not None:
            if self._listening is not None:
                self._listening.stop()
            self._comparison.end()
            self._comparison = None

    def _heard(self) -> None:
        comparison = self._comparison
        if comparison is None:
            return
        for message in comparison.receive():
            self._done = not isinstance(message, Running)
            self._hear(message)
        if comparison.closed:
            self._stop()
            if self._done:
                self._fit_width()
            elif self._outcome is None:
                self._say([_("The comparison ended before it was done.")])
        if self._session is not None:
            self.update_from(self._session, None)

    def _hear(self, message: AnyMessage) -> None:
        if self._outcome is not None and not isinstance(message, Compared):
            return  # it is there, and only made for another width
        match message:
            case Running(label, number, of):
                self._leave_line()
                self._again = None
                full = (number - 1) * _BAR // of
                bar: Line = [(" " + "█" * full, "running"), ("░" * (_BAR - full), "dim")]
                said = _("{number} of {of}: {policy}").format(number=number, of=of, policy=label)
                cancel = _("{key} cancels").format(key=self.key("compare_cancel"))
                self._pages.set_lines([[], [*bar, (f" {said}", "text"), (f"   {cancel}", "dim")]])
            case BadTask(faults):
                self._say([f"{place} {wording.problem(clause)}".strip() for place, clause in faults])
            case Compared():
                self._leave_line()
                again, self._outcome, self._again = self._outcome is not None, message, None
                self._took_s = time.monotonic() - self._began_s
                self._show_outcome(again)

    def _show_outcome(self, again: bool = False) -> None:
        if self._outcome is not None:
            self._pages.set_lines(self._outcome.graphs if self._as_graphs else self._outcome.lines, again)

    def _leave_line(self) -> None:
        if self._entry.has_focus:
            self.focus()

    # Keys

    def action_start(self) -> None:
        """Compare."""
        if self._session is not None:
            self._start(self._session)

    def action_choose(self) -> None:
        """Say which policies take part."""
        self._entry.focus()

    def action_graphs(self) -> None:
        """Show charts of what came of it instead of the table, or the table again."""
        if self._outcome is None:
            return
        self._as_graphs = not self._as_graphs
        self._show_outcome()
        if self._session is not None:
            self.update_from(self._session, None)

    def action_save(self) -> None:
        """What came of it, as it is shown, into a file."""
        from sandbox.tui.screens.forms import SaveAs

        if self._outcome is None or self._session is None:
            return
        says = _("The file for what is shown here; what is in it is lost.")
        shown = self._outcome.graphs if self._as_graphs else self._outcome.lines
        lines = ["".join(text for text, __ in pieces).rstrip() for pieces in shown]
        dialog = SaveAs(_("Save the comparison"), says, f"{self._session.scenario.name}-compare.txt")
        ask(self, dialog, lambda path: save(self, path, lines))

    def action_cancel(self) -> None:
        """End a comparison that takes too long."""
        self._give_up()

    def action_scroll(self, lines: int) -> None:
        self._pages.scroll_lines(lines)
        if self._session is not None:
            self.update_from(self._session, None)

    def action_page(self, by: int) -> None:
        """Scroll a page down, or up; one line stays in sight."""
        self.action_scroll(by * (self._pages.size.height - 1))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """These take part."""
        event.stop()
        self.action_start()  # the line is left when what it says makes sense

    def on_entry_line_left(self) -> None:
        self.focus()


def _sentence(problem: Problem) -> str:
    return f"{problem.place}: {wording.problem(problem.what)}"
