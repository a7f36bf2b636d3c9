"""The console panel: the output of each process, and a line to type into its console."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal

from sandbox import wording
from sandbox.i18n import N_, _
from sandbox.model.commands import Press, Type
from sandbox.model.states import WAITS, State
from sandbox.tui.config import config_of
from sandbox.tui.keys import bindings
from sandbox.tui.panels.console.tabs import ConsoleTabs
from sandbox.tui.panels.console.view import ConsoleView
from sandbox.tui.panels.panel import Panel
from sandbox.tui.state.session import Session
from sandbox.tui.widgets.choices import Picked
from sandbox.tui.widgets.entry import Prompt, TypingLine
from sandbox.views.board import Board, Row


class Console(Panel, can_focus=True):
    """The console of the chosen process, which may be shared with its parent."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("console")

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._tabs = ConsoleTabs(id="console-tabs")
        self._view = ConsoleView(output="console-output", screen="console-screen")
        self._prompt = Prompt("prompt", nobody=N_("nobody reads here"))
        self._line = TypingLine(id="typing", compact=True, several=True)
        self._row = Horizontal(self._prompt, self._line, id="typing-row")
        self._session: Session | None = None
        self._chosen: int | None = None
        #: The process whose console is shown, and the tabs' order.
        self._shown: int | None = None
        self._order: list[int] = []
        #: Processes that have been seen reading: their tabs stay in place while they do something else.
        self._readers: set[int] = set()

    def compose(self) -> ComposeResult:
        yield self._tabs
        yield self._view
        yield self._row

    def update_from(self, session: Session, chosen: int | None) -> None:
        if session is not self._session:
            self._session, self._shown, self._readers = session, None, set()
        self._chosen = chosen
        self.set_class(self._line.has_focus or self._view.has_keyboard, "typing")
        board = session.view.board
        reading = {row.console for pid in board.blocked if reads(row := board.rows[pid])}
        living = session.view.live.board.rows
        self._readers = (self._readers | reading) & living.keys()
        self._order = sorted((pid for pid, row in board.rows.items() if row.console == pid), key=self._rank)
        if chosen in board.rows:  # at a past point, it may not be born yet
            self._shown = board.rows[chosen].console
        elif self._shown not in living and self._order:
            self._shown = self._order[0]
        self._tabs.update_from(session, self._order, self._shown, reading)
        self._show_console(session, board, self._shown in reading)

    def _rank(self, pid: int) -> tuple[bool, bool, int]:
        assert self._session is not None
        return pid not in self._readers, not self._session.view.board.rows[pid].output, pid

    def _show_console(self, session: Session, board: Board, asks: bool) -> None:
        row = board.rows.get(self._shown) if self._shown is not None else None
        target = self._target(board)
        living = board.rows[target] if target is not None else None
        self._view.update_from(session, row, target, asks)
        end = ""
        if not self._view.following:
            end = _("scrolled back: {key} follows the end").format(key=self.key("console_end"))
        self._view.entitle(self._title(row), end)
        self._prompt.update_from(living.name if living is not None else None, asks)
        # Keep the focus in the line: text meant for a process that has just ended must not be taken as commands.
        self._line.display = living is not None or self._line.has_focus
        self._line.password = row is not None and row.terminal.hides
        self._line.meant_for((self._session, self._shown))
        self._line.placeholder = self._hint(asks)
        self._follow_program()
        self._row.display = self._line.has_focus or not self._view.is_terminal

    def _follow_program(self) -> None:
        """Move the focus from an empty input line to the terminal, when the program starts to read single keys."""
        if self._view.is_terminal and self._line.has_focus and not self._line.value:
            self._view.take_keyboard()

    def _title(self, row: Row | None) -> str:
        if row is None:
            return _("CONSOLE")
        state, more = wording.state(row.state), ""
        if row.exited is not None:
            more = wording.status(row.exited)
        elif row.state in WAITS and row.on is not None:
            more = wording.cause(row.on)
        said = _("CONSOLE of {pid} {name}: {state}, {more}") if more else _("CONSOLE of {pid} {name}: {state}")
        return said.format(pid=row.pid, name=row.called, state=state, more=more)

    def _hint(self, asks: bool) -> str:
        if not self._line.has_focus:
            said = _("{key} types a line") if asks else _("{key} types a line; it does not read now")
            return said.format(key=self.key("console_type"))
        keys = " ".join(self.key(f"typing_{what}") for what in ("interrupt", "end", "suspend"))
        said = _("a line, then ⏎; also {keys}   {leave} leaves").format(keys=keys, leave=self.key("entry_leave"))
        return config_of(self).spelt(said)

    def _target(self, board: Board) -> int | None:
        """Return the process that gets what is typed: one that reads, else the console's own, else another user of it;
        None if none is alive."""
        users = [row for row in board.rows.values() if row.console == self._shown and row.exited is None]
        return next((row.pid for row in sorted(users, key=lambda row: (not reads(row), row.pid))), None)

    # Keys

    def action_type(self) -> None:
        """Direct the keyboard to the console."""
        if not self._view.take_keyboard() and self._row.display and self._line.display:
            self.screen.set_focus(self._line)

    def action_turn(self, by: int) -> None:
        """Show another console, by its place among the tabs."""
        if self._order:
            present = self._order.index(self._shown) if self._shown in self._order else -1
            self._shown = self._order[max(min(present + by, len(self._order) - 1), 0)]
            self.post_message(Picked(self._shown))

    def action_page(self, by: int) -> None:
        """Scroll by pages."""
        self._view.scroll_pages_by(by)

    def action_end(self) -> None:
        """Scroll to the end and follow it."""
        self._view.follow()

    # Typing

    def on_descendant_focus(self) -> None:
        self._show_again()

    def on_descendant_blur(self) -> None:
        self._show_again()

    def _show_again(self) -> None:
        if self._session is not None:
            self.update_from(self._session, self._chosen)

    def on_input_submitted(self, event: TypingLine.Submitted) -> None:
        if self._type([event.value]):
            self._line.take()

    def on_entry_line_pasted(self, event: TypingLine.Pasted) -> None:
        self._type(event.lines)

    def _type(self, lines: Iterable[str]) -> bool:
        """Type these lines. Returns whether there is a process that gets them."""
        target = self._target(self._session.view.board) if self._session is not None else None
        if self._session is None or target is None:
            return False
        for line in lines:
            self._session.send(Type(str(target), line))
        self._view.follow()
        return True

    def on_typing_line_pressed(self, event: TypingLine.Pressed) -> None:
        target = self._target(self._session.view.board) if self._session is not None else None
        if self._session is not None and target is not None:
            self._session.send(Press(str(target), event.key))

    def on_console_view_released(self) -> None:
        self.take_keys()

    def on_entry_line_left(self) -> None:
        self.take_keys()


def reads(row: Row) -> bool:
    """Whether a process waits for input from its console."""
    return row.state is State.BLOCKED and row.waits is not None and row.waits.reads_console
