"""A look into one process: what the system knows of it, what it wrote, and a line to type into its console."""

from __future__ import annotations

import os

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, RichLog, Static

from sandbox import wording
from sandbox.commands import Type
from sandbox.kernel.states import State
from sandbox.tui.screens.dialogs import Dialog
from sandbox.tui.session import Session
from sandbox.units import show_duration

_REFRESH_S = 0.5


class Inspect(Dialog[None]):
    """One process, refreshed twice a second."""

    def __init__(self, session: Session, pid: int) -> None:
        super().__init__()
        self._session, self._pid = session, pid
        self._written = 0

    def compose(self) -> ComposeResult:
        """Facts above, output below, a line to type at the bottom."""
        with Vertical(id="inspector", classes="box") as box:
            row = self._session.board.rows[self._pid]
            box.border_title = f"Process {row.pid}: {row.name}"
            box.border_subtitle = "esc close"
            yield Static(id="facts")
            log = RichLog(id="output", wrap=True, markup=False, highlight=False, max_lines=500)
            log.border_title = "its console"
            yield log
            if row.state is not State.EXITED:
                yield Input(placeholder="type a line into its console, then ⏎")

    def on_mount(self) -> None:
        """Keep it fresh."""
        self._show()
        self.set_interval(_REFRESH_S, self._show)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Hand the line to the process."""
        self._session.send(Type(str(self._pid), event.value))
        event.input.clear()

    def _show(self) -> None:
        session, row = self._session, self._session.board.rows[self._pid]
        facts = [
            ("runs", row.admitted.runs),
            ("state", self._state_of()),
            ("pid", f"{row.pid} here" + (f", {row.os_pid} in the system" if row.os_pid else "")),
            ("parent", self._parent_of()),
            ("CPU time", show_duration(session.cpu_ns(self._pid))),
            *system_facts(row.os_pid if row.state is not State.EXITED else None),
        ]
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(style="dim", no_wrap=True)
        table.add_column()
        for name, value in facts:
            table.add_row(name, Text(value))
        self.query_one("#facts", Static).update(table)
        self._show_output()

    def _state_of(self) -> str:
        row = self._session.board.rows[self._pid]
        lasting = show_duration((self._session.now_ns - row.since_ns) // 1_000_000 * 1_000_000)
        if row.exited is not None:
            return f"DONE: {wording.status(row.exited)}"
        on = f": {wording.cause(row.on)}" if row.state is State.BLOCKED and row.on is not None else ""
        return f"{row.state.name}{on}, for {lasting}"

    def _parent_of(self) -> str:
        parent = self._session.board.rows[self._pid].admitted.parent
        return f"{parent} {self._session.name(parent)}" if parent is not None else "the kernel process"

    def _show_output(self) -> None:
        output = self._session.board.rows[self._pid].output
        text = "\n".join(output)
        if len(text) != self._written:
            self._written = len(text)
            log = self.query_one("#output", RichLog)
            log.clear()
            log.write(Text(text), scroll_end=True)


def system_facts(os_pid: int | None) -> list[tuple[str, str]]:
    """Threads, memory and descriptors, as far as the system tells."""
    if os_pid is None:
        return []
    import psutil  # only once somebody looks: it would delay the first frame

    try:
        process = psutil.Process(os_pid)
        with process.oneshot():
            threads = process.num_threads()
            memory = process.memory_info()
            shared = getattr(memory, "shared", 0)
            system = process.status()
    except psutil.Error:
        return []
    facts = [
        ("in the system", f"{system}, {threads} thread{'s' if threads > 1 else ''}"),
        ("memory", f"{memory.rss / 2**20:.1f} MiB resident, {shared / 2**20:.1f} MiB of it shared"),
    ]
    descriptors = _descriptors(os_pid)
    if descriptors:
        facts.append(("files", ", ".join(descriptors)))
    return facts


def _descriptors(os_pid: int, most: int = 8) -> list[str]:
    """The open descriptors and where they lead."""
    folder = f"/proc/{os_pid}/fd"
    try:
        numbers = sorted(map(int, os.listdir(folder)))
        shown = [f"{number} {os.readlink(f'{folder}/{number}')}" for number in numbers[:most]]
    except OSError:
        return []
    return shown + [f"and {len(numbers) - most} more"] * (len(numbers) > most)
