"""The help: every key, and what the signs mean."""

from __future__ import annotations

from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from sandbox import wording
from sandbox.i18n import N_, _
from sandbox.model.states import State
from sandbox.tui.config import config_of
from sandbox.tui.keys import ACTIONS, keys_of, written
from sandbox.tui.screens.dialogs import Dialog, entitle

_SIGNS = (
    ("R  ░", State.READY, N_("it could run, and waits for the CPU")),
    ("▶  █", State.RUNNING, N_("it has the CPU")),
    ("B  ·", State.BLOCKED, N_("it waits for something else than the CPU")),
    ("✔  ✘", State.EXITED, N_("it has ended: well, or with an error or by a signal")),
)


class Help(Dialog[None]):
    """All keys, as the user has them."""

    BINDINGS: ClassVar[list[BindingType]] = [("question_mark,f1,q", "dismiss", "Close")]

    def compose(self) -> ComposeResult:
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True, style="bold")
        table.add_column(no_wrap=True)
        table.add_column(style="dim")
        keymap = config_of(self).keymap
        for action in ACTIONS:
            table.add_row(Text(written(keys_of(action, keymap))), _(action.name), _(action.says))
        table.add_row("", "", "")
        for signs, state, says in _SIGNS:
            table.add_row(signs, wording.state(state), _(says))
        with VerticalScroll(classes="box") as box:
            entitle(box, _("Help"), _("↑ ↓ scroll   esc close"))
            yield Static(table)
