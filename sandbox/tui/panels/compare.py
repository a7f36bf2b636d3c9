"""The compare panel: runs the scenario under several policies in virtual time, in a process apart from the live run."""

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
from sandbox.tui.interaction import ask, permitted, tell
from sandbox.tui.keys import bindings
from sandbox.tui.listening import Listening
from sandbox.tui.panels.panel import Panel
from sandbox.tui.state.session import Session
from sandbox.tui.widgets.entry import EntryLine
from sandbox.tui.widgets.lines import ScrolledLines, line
from sandbox.util.text import clean_line


class Pages(ScrolledLines):
    """Scrollable lines of text; each piece of a line has a tone, which names a style of the palette."""

    DEFAULT_CLASSES = "framed main"

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._all: Sequence[Line] = ()
        self._top = 0

    def set_lines(self, lines: Sequence[Line], anew: bool = False) -> None:
        """Show these lines from their beginning; with ``anew``, keep the scroll position, as they are the same text in
        another layout."""
        if lines is not self._all:
            self._all = lines
            self._top = max(min(self._top, len(lines) - self.size.height), 0) if anew else 0
            self.update_lines()

    def move(self, by: int) -> None:
        self._top = max(min(self._top + by, len(self._all) - self.size.height), 0)

    @property
    def place(self) -> str:
        """The range of lines in sight, as text; "" if all are."""
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


#: The width of the progress bar in cells.
_BAR = 20
#: On narrower terminals, sentences are cut off rather than broken into many short lines.
_MIN_SENTENCE = 40
#: The time in seconds without a change of size after which a table is made for the new size.
_SETTLED_S = 0.3
#: Comparisons that took longer than this, in seconds, are not repeated for a new width.
_MAX_AGAIN_S = 10


class Compare(Panel, can_focus=True):
    """The policies to compare and the result of the comparison. The work is done in a process of its own, which ends
    when another panel is shown."""

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
        #: Whether the comparison has reported its end.
        self._done = False
        #: The result of the last comparison, and its task.
        self._outcome: Compared | None = None
        self._asked_for: CompareTask | None = None
        self._began_s = self._took_s = 0.0
        #: Runs until the size has settled.
        self._settling: Timer | None = None
        self._as_graphs = False
        #: Repeats the present sentences for a new width; None if none are shown.
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
        """Break sentences anew at once, and remake a table when the size has settled."""
        if self._again is not None:
            self.call_after_refresh(self._again)
        if self._settling is not None:
            self._settling.stop()
        self._settling = self.set_timer(_SETTLED_S, self._fit_width)

    def on_unmount(self) -> None:
        """End the comparison, so that no process is left behind."""
        self._stop()

    def _give_up(self) -> None:
        if self._comparison is not None:
            self._stop()
            if self._outcome is None:
                self._invite()
            elif self._asked_for is not None:  # the comparison was cut short, and the result shown is for another width
                self._asked_for.width = 0

    def _fit_width(self) -> None:
        """Repeat the comparison for the new width: in virtual time, its result is the same."""
        width, task = self._pages.size.width, self._asked_for
        shown = self._outcome is not None and self.display
        if shown and task is not None and task.width != width and self._took_s <= _MAX_AGAIN_S:
            self._begin(msgspec.structs.replace(task, width=width))

    # The comparison

    def _invite(self) -> None:
        self._outcome, self._again = None, self._invite
        start, choose = self.key("compare_start"), self.key("compare_choose")
        says = _("{key} runs this scenario once under each policy, in virtual time. The current run continues.")
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
        """Break a sentence into lines, all but the first indented."""
        width = max(self._pages.size.width - 2, _MIN_SENTENCE)
        return wrap(sentence, width, indent="    ")

    def _start(self, session: Session) -> None:
        self._stop()
        self._outcome = None
        problems = obstacles(session.scenario)
        if problems:
            instead = _("{key} tells what this run would have been under another policy.")
            said = [*map(_sentence, problems), instead.format(key=self.key("what_if"))]
            self._say([_("This scenario cannot be compared in virtual time."), *said])
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
            return  # the result is known already, and is only remade for another width
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
        """Start the comparison."""
        if self._session is not None:
            self._start(self._session)

    def action_choose(self) -> None:
        """Type the policies to compare."""
        self._entry.focus()

    def action_graphs(self) -> None:
        """Toggle between the table and the charts of the result."""
        if self._outcome is None:
            self._lack()
            return
        self._as_graphs = not self._as_graphs
        self._show_outcome()
        if self._session is not None:
            self.update_from(self._session, None)

    def action_save(self) -> None:
        """Save the result to a file, as it is shown."""
        from sandbox.tui.screens.forms import SaveAs

        if self._outcome is None or self._session is None:
            self._lack()
            return
        says = _("The file for what is shown here; what is in it is lost.")
        shown = self._outcome.graphs if self._as_graphs else self._outcome.lines
        lines = ["".join(text for text, __ in pieces).rstrip() for pieces in shown]
        dialog = SaveAs(_("Save the comparison"), says, f"{self._session.scenario.name}-compare.txt")
        ask(self, dialog, lambda path: save(self, path, lines))

    def _lack(self) -> None:
        tell(self, _("There is no result yet: {key} compares").format(key=self.key("compare_start")))

    def action_cancel(self) -> None:
        """Cancel the comparison."""
        self._give_up()

    def action_scroll(self, lines: int) -> None:
        self._pages.scroll_lines(lines)
        if self._session is not None:
            self.update_from(self._session, None)

    def action_page(self, by: int) -> None:
        """Scroll by pages; one line stays in sight."""
        self.action_scroll(by * (self._pages.size.height - 1))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Start a comparison of the policies typed."""
        event.stop()
        self.action_start()  # the line keeps the focus until its text is accepted

    def on_entry_line_left(self) -> None:
        self.focus()


def _sentence(problem: Problem) -> str:
    return f"{problem.place}: {wording.problem(problem.what)}"
