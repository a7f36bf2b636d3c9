"""The help: every key, and what the signs mean."""

from __future__ import annotations

from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from sandbox.tui.keys import ACTIONS, written
from sandbox.tui.screens.dialogs import Dialog

_SIGNS = (
    ("R  ░", "READY: it could run and waits for the CPU"),
    ("▶  █", "RUNNING: it has the CPU"),
    ("B  ·", "BLOCKED: it waits for something else than the CPU; the reason stands beside it"),
    ("✔ ✘", "DONE: it has ended, well or not"),
)


class Help(Dialog[None]):
    """All keys. ``keymap``: keys that the user has moved, by action."""

    BINDINGS: ClassVar[list[BindingType]] = [("question_mark,f1,q", "dismiss", "Close")]

    def __init__(self, keymap: dict[str, str]) -> None:
        super().__init__()
        self._keymap = keymap

    def compose(self) -> ComposeResult:
        """Keys and signs."""
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True, style="bold")
        table.add_column()
        for action in ACTIONS:
            table.add_row(written(self._keymap.get(action.id, action.keys)), Text(action.says))
        table.add_row("", "")
        for sign, says in _SIGNS:
            table.add_row(sign, Text(says))
        with VerticalScroll(classes="box") as box:
            box.border_title = "Help"
            box.border_subtitle = "esc close"
            yield Static(table)
