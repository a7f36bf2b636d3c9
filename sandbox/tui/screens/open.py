"""The scenarios: the built-in ones in a list, and a line for the path of any other file."""

from __future__ import annotations

import os
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import Input, OptionList, Static

from sandbox import wording
from sandbox.events import Clause
from sandbox.lessons.course import in_order
from sandbox.scenario import BadScenario, Problem, find, load
from sandbox.spec import Scenario
from sandbox.tui.screens.dialogs import Choose, Offer


class Open(Choose):
    """Answers the path of a file that has been checked."""

    BINDINGS: ClassVar[list[BindingType]] = [("tab", "app.focus_next", "List or file")]

    def __init__(self, present: str) -> None:
        super().__init__("Scenarios", [_offer(str(path)) for path in in_order()], present)

    def below(self) -> ComposeResult:
        """The path of a file, and what is wrong with it."""
        yield Input(placeholder="or the path of a file, for example ~/mine.toml", select_on_focus=False)
        with VerticalScroll(classes="problems", can_focus=False):
            yield Static("", classes="problem", markup=False)

    def on_key(self, event: events.Key) -> None:
        """Down from the last of the list leads to the line below it, and up from there back."""
        options, path = self.query_one(OptionList), self.query_one(Input)
        if event.key == "down" and options.has_focus and options.highlighted == options.option_count - 1:
            path.focus()
        elif event.key == "up" and path.has_focus:
            options.focus()
        elif event.is_printable and options.has_focus:  # whoever types here means the line
            path.focus()
            path.insert_text_at_cursor(event.character or "")
        else:
            return
        event.stop()
        event.prevent_default()

    def on_input_changed(self) -> None:
        """What was wrong is being mended."""
        self.query_one(".problem", Static).update("")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """A file, if anything was typed."""
        if event.value.strip():
            self.take(os.path.expanduser(event.value.strip()))

    def take(self, id: str) -> None:  # noqa: A002 - the path of a file, or a built-in one's name
        """Answer it, or say what is wrong with it."""
        try:
            read(id)
        except BadScenario as bad:
            self.query_one(".problem", Static).update("\n".join([f"{os.path.basename(bad.file)}:", *problems(bad)]))
        else:
            self.dismiss(id)


def read(name: str) -> Scenario:
    """The scenario of a file or of a built-in one's name, if this machine can run it. Raises BadScenario."""
    from sandbox.machines.linux.places import available

    scenario = load(find(name))
    if scenario.machine.cpus > available():
        what = Clause("too many cpus", {"number": scenario.machine.cpus, "allowed": available()})
        raise BadScenario(name, [Problem(0, "machine.cpus", what)])
    return scenario


def problems(bad: BadScenario) -> list[str]:
    """What is wrong with a file, a line each."""
    lines = []
    for problem in bad.problems:
        where = f"line {problem.line}, {problem.place}" if problem.line and problem.place else problem.place
        where = where or (f"line {problem.line}" if problem.line else "")
        lines.append(f"{where}: {wording.problem(problem.what)}" if where else wording.problem(problem.what))
    return lines


def _offer(path: str) -> Offer:
    name = os.path.basename(path).removesuffix(".toml")
    try:
        return Offer(name, name, load(path).title)
    except BadScenario:
        return Offer(name, name, "(has faults: choose it to see them)")
