"""A look into one process: what the system knows of it, what it wrote, and a line to type into its console."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Input, Static

from sandbox import wording
from sandbox.i18n import _
from sandbox.model.commands import Type
from sandbox.model.states import State
from sandbox.tui.format import brief
from sandbox.tui.panels.console.output import ConsoleOutput, hides_typing
from sandbox.tui.screens.dialogs import Dialog, entitle
from sandbox.tui.screens.system import system_facts
from sandbox.tui.state.session import Session
from sandbox.util.units import MS, US, show_duration

_REFRESH_S = 0.25


class Inspect(Dialog[None]):
    """One process, as it is by now."""

    AUTO_FOCUS = "Input"

    def __init__(self, session: Session, pid: int) -> None:
        super().__init__()
        self._session, self._pid = session, pid
        self._row = session.view.board.rows[pid]

    def compose(self) -> ComposeResult:
        """Facts above, output below, a line to type at the bottom."""
        with Vertical(id="inspector", classes="box") as box:
            title = _("Process {pid}: {name}").format(pid=self._pid, name=self._row.name)
            entitle(box, title, _("esc close"))
            with VerticalScroll(id="facts"):
                yield Static()
            yield Static(_("its console"), id="console-title")
            yield ConsoleOutput(id="output")
            yield Input(placeholder=_("type a line into its console, then ⏎"))

    def on_mount(self) -> None:
        """Show it anew, again and again."""
        self._show()
        self.set_interval(_REFRESH_S, self._show)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self._session.send(Type(str(self._pid), event.value))
        event.input.clear()

    def _show(self) -> None:
        if self._pid not in self._session.view.names:
            return  # it is remembered no longer: what is shown of it stays
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(style="dim", no_wrap=True)
        table.add_column()
        for name, value in self._facts():
            table.add_row(name, value if isinstance(value, Text) else Text(value))
        self.query_one("#facts Static", Static).update(table)
        self.query_one(ConsoleOutput).update_from(self._row.output)
        self.query_one(Input).password = hides_typing(self._row)
        if self._row.state is State.EXITED:
            self.query_one(Input).display = False

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
        return facts + list(system_facts(row.os_pid if row.state is not State.EXITED else None))

    def _state(self) -> str:
        row = self._row
        state, lasting = wording.state(row.state), brief(self._session.view.now_ns - row.since_ns)
        if row.exited is not None:
            return _("{state}: {more}").format(state=state, more=wording.status(row.exited))
        if row.state is State.BLOCKED and row.on is not None:
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
        return f"{parent} {names[parent]}" if parent in names else _("the kernel process")
