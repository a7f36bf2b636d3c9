"""The inspector of a process: facts known to the system, its output, and a line to type into its console."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from sandbox import wording
from sandbox.i18n import _
from sandbox.model.commands import Press, Type
from sandbox.model.states import WAITS, State
from sandbox.tui.config import config_of
from sandbox.tui.format import brief
from sandbox.tui.panels.console.view import ConsoleView
from sandbox.tui.screens.dialogs import Dialog, entitle
from sandbox.tui.state.session import Session
from sandbox.tui.widgets.entry import TypingLine
from sandbox.util.units import MS, US, show_duration

_REFRESH_S = 0.25


class Inspect(Dialog[None]):
    """A dialog about a process, which is updated while open."""

    AUTO_FOCUS = "TypingLine"
    BINDINGS: ClassVar[list[BindingType]] = [("enter", "type", "Type")]

    def __init__(self, session: Session, pid: int) -> None:
        super().__init__()
        self._session, self._pid = session, pid
        self._row = session.view.board.rows[pid]
        self._line = TypingLine(several=True)
        self._view = ConsoleView(output="output", screen="terminal")
        #: Whether the user has typed a line.
        self._typed = False

    def compose(self) -> ComposeResult:
        """Yield facts above, output below, and an input line at the bottom."""
        with Vertical(id="inspector", classes="box") as box:
            title = _("Process {pid}: {name}").format(pid=self._pid, name=self._row.called)
            entitle(box, title, _("esc close"))
            with VerticalScroll(id="facts"):
                yield Static()
            yield Static(_("its console"), id="console-title")
            yield self._view
            yield self._line

    def on_mount(self) -> None:
        """Show the facts, and update them regularly."""
        self._show()
        self.set_interval(_REFRESH_S, self._show)

    def on_input_submitted(self) -> None:
        if self._type([self._line.value]):
            self._line.take()

    def on_entry_line_pasted(self, event: TypingLine.Pasted) -> None:
        self._type(event.lines)

    def _type(self, lines: Iterable[str]) -> bool:
        """Type these lines. Returns whether there is a process that gets them."""
        if self._row.exited is not None:
            return False
        for line in lines:
            self._session.send(Type(str(self._pid), line))
        self._typed = True
        return True

    def on_typing_line_pressed(self, event: TypingLine.Pressed) -> None:
        self._session.send(Press(str(self._pid), event.key))

    def on_entry_line_left(self) -> None:
        self.dismiss(None)

    def _show(self) -> None:
        if self._pid not in self._session.view.names:
            return  # it is no longer remembered: keep the facts shown last
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(style="dim", no_wrap=True)
        table.add_column()
        for name, value in self._facts():
            table.add_row(name, value if isinstance(value, Text) else Text(value))
        self.query_one("#facts Static", Static).update(table)
        self._show_console()
        self._line.placeholder = self._hint()

    def _hint(self) -> str:
        if self._row.state is State.EXITED:
            return _("it is over: nobody reads here")
        keys = " ".join(config_of(self).key(f"typing_{what}") for what in ("interrupt", "end", "suspend"))
        return config_of(self).spelt(_("type a line into its console, then ⏎; also {keys}").format(keys=keys))

    def _show_console(self) -> None:
        row, console = self._row, self._view
        there = row.exited is None
        owner = self._session.view.board.rows.get(row.console, row)
        console.update_from(self._session, owner, self._pid if there else None)
        console.entitle("")
        if console.is_terminal:  # keep the keyboard where the user is typing; otherwise the facts come first
            if self._line.has_focus and self._typed and not self._line.value:
                console.take_keyboard()
            self._line.display = self._line.has_focus and bool(self._line.value)
        self._line.password = owner.terminal.hides
        self.set_class(console.has_keyboard, "keyed")

    def action_type(self) -> None:
        self._view.take_keyboard()

    def on_console_view_released(self) -> None:
        self.set_focus(None)
        self._show()

    def _facts(self) -> list[tuple[str, str | Text]]:
        view, row = self._session.view, self._row
        life = view.history.lives[self._pid]
        waiting, blocked = (brief(ns) for ns in (life.ready_ns(view.now_ns), life.blocked_ns(view.now_ns)))
        pid = _("{pid} here, {os_pid} in the system") if row.os_pid else _("{pid} here")
        time = _("CPU {cpu}   READY {waiting}   BLOCKED {blocked}   switches {switches}")
        facts: list[tuple[str, str | Text]] = [
            (_("state"), self._state()),
            (_("runs"), row.admitted.runs),
            ("pid", pid.format(pid=row.pid, os_pid=row.os_pid)),
            (_("parent"), self._born_of()),
            (_("time"), time.format(cpu=self._cpu(), waiting=waiting, blocked=blocked, switches=life.switches)),
        ]
        if sys.platform == "linux" and row.state is not State.EXITED:
            from sandbox.tui.screens.system import system_facts

            facts += system_facts(row.os_pid)
        return facts

    def _state(self) -> str:
        row = self._row
        state, lasting = wording.state(row.state), brief(self._session.view.now_ns - row.since_ns)
        if row.zombie_of is not None and row.exited is not None:
            said = _("ZOMBIE: {more}; {parent} has not asked")
            parent = f"{row.zombie_of} {self._session.view.names.get(row.zombie_of, '')}"
            return said.format(more=wording.status(row.exited), parent=parent)
        if row.exited is not None:
            return _("{state}: {more}").format(state=state, more=wording.status(row.exited))
        if row.state in WAITS and row.on is not None:
            return _("{state}: {more}, for {time}").format(state=state, more=wording.cause(row.on), time=lasting)
        return _("{state}, for {time}").format(state=state, time=lasting)

    def _cpu(self) -> str:
        used_ns = self._session.view.cpu_ns(self._pid)
        unit = MS if used_ns >= MS else US
        used = show_duration(used_ns // unit * unit)
        demand_ns = self._row.admitted.demand_ns
        return used if demand_ns is None else _("{used} of {whole}").format(used=used, whole=show_duration(demand_ns))

    def _born_of(self) -> str:
        parent, names = self._row.admitted.parent, self._session.view.names
        said = f"{parent} {names[parent]}" if parent in names else _("the kernel process")
        adopted = self._row.adopted
        if adopted is None:
            return said
        by = f"{adopted.by} {names[adopted.by]}" if adopted.by in names else "ossandbox"
        return _("{parent}, which has ended; {by} has adopted it").format(parent=said, by=by)
