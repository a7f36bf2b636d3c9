"""The help: all keys, and the meaning of signs and words."""

from __future__ import annotations

from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Input, Static

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
#: Words on the screen that are explained nowhere else.
_WORDS = (
    (
        N_("undispatched"),
        N_(
            "CPU time used without being dispatched: after a wake that nobody had noticed yet, "
            "or before a stop took effect"
        ),
    ),
    (N_("its part"), N_("memory: what would be free again if this one ended (PSS: shared pages count in part)")),
    (N_("fair"), N_("a column: 1 when all got the same share of the CPU that they wanted; and a policy")),
    (N_("turnaround"), N_("from arrival to the end; response: to the first turn; waiting: all the time READY")),
)
#: Actions of the mouse.
_MOUSE = (
    (
        N_("click"),
        N_(
            "choose a process, turn to a panel, press a key of the bottom line; in the top line: another scenario, "
            "pause, go to a time, another policy; on the ruler of the timeline: look at that time"
        ),
    ),
    (N_("click twice"), N_("look into a process; elsewhere select a word, three times the line")),
    (N_("right click"), N_("on a process: what can be done with it, and the keys for that")),
    (
        N_("wheel"),
        N_("scroll what is under it; over the timeline ctrl shows a longer or a shorter time, shift moves it"),
    ),
    (N_("drag"), N_("select text anywhere: what it is in stands still, and ctrl+c copies it")),
)


class Help(Dialog[None]):
    """A dialog with all keys as configured by the user."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("question_mark,f1,q", "dismiss", "Close"),
        ("slash", "search", "Search"),
    ]

    AUTO_FOCUS = "#help"

    def __init__(self) -> None:
        super().__init__()
        self._line = Input(placeholder=_("only what has this in it"), compact=True, id="help-filter")
        self._table = Static(id="help-table")

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            entitle(box, _("Help"), _("↑ ↓ pgup pgdn scroll   / search   esc close"))
            with VerticalScroll(id="help"):
                yield self._table
            yield self._line

    def on_mount(self) -> None:
        """Show everything."""
        self._line.display = False
        self._table.update(self._rows(""))

    def action_search(self) -> None:
        """Show the line for a search text and focus it."""
        self._line.display = True
        self._line.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._table.update(self._rows(event.value.strip().casefold()))

    def on_input_submitted(self) -> None:
        """Let the keys scroll again."""
        self.query_one("#help").focus()

    def _rows(self, wanted: str) -> Table:
        """Return a table of keys and signs; if ``wanted`` is not "", only of keys whose description contains it."""
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True, style="bold")
        table.add_column(no_wrap=True)
        table.add_column(style="dim")
        keymap = config_of(self).keymap
        for action in ACTIONS:
            row = written(keys_of(action, keymap)), _(action.name), _(action.says)
            if wanted in " ".join([*row, action.name]).casefold():  # match the English name, too
                table.add_row(Text(row[0]), *row[1:])
        if not wanted:
            table.add_row("", "", "")
            for signs, state, says in _SIGNS:
                table.add_row(signs, wording.state(state), _(says))
            for group in (_MOUSE, _WORDS):
                table.add_row("", "", "")
                for word, says in group:
                    table.add_row(_(word), "", _(says))
        return table
