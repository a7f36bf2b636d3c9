"""A process's console, wherever it is shown: as lines of text, or as the screen of a terminal if lines cannot show
it."""

from __future__ import annotations

from importlib.util import find_spec

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from sandbox.i18n import _
from sandbox.model.commands import MAX_TERMINAL, Keys, Resize
from sandbox.tui.config import config_of
from sandbox.tui.panels.console.output import ConsoleOutput
from sandbox.tui.panels.console.screen import TerminalScreen
from sandbox.tui.state.session import Session
from sandbox.views.board import Row
from sandbox.views.console import ConsoleText

_NOTHING = ConsoleText()
#: Whether the emulator is installed; without it, recordings of terminals are shown as lines.
_CAN_EMULATE = find_spec("bittty") is not None
#: The most characters of one command.
_MAX_KEYS = 16_384


class ConsoleView(Vertical):
    """A console as lines or as a terminal. The process's terminal is kept at the size of this widget, and gets every
    key while the widget has the keyboard."""

    class Released(Message):
        """The keyboard is free for other use again."""

    def __init__(self, output: str, screen: str) -> None:
        super().__init__()
        self.output = ConsoleOutput(id=output)
        self.screen_of_it = TerminalScreen(id=screen)
        self.screen_of_it.display = False
        self._session: Session | None = None
        self._row: Row | None = None
        self._target: int | None = None
        #: The last size that was asked for, and the console for which it was.
        self._asked: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        yield self.output
        yield self.screen_of_it

    def update_from(self, session: Session, row: Row | None, target: int | None, asks: bool = False) -> None:
        """Show a console. ``row``: the process whose console it is; ``target``: the process that gets input (None:
        none); ``asks``: a process waits for a line."""
        if session is not self._session:
            self.screen_of_it.begin()
        self._session, self._row = session, row
        self._target = target if self._is_present else None
        tape = row.tape if row is not None and _CAN_EMULATE else None
        screen = self.screen_of_it
        screen.display, self.output.display = tape is not None, tape is None
        screen.can_focus = tape is not None and self._target is not None
        if row is None or tape is None:
            self.output.update_from(row.output if row is not None else _NOTHING, asks)
        else:
            screen.update_from(row.pid, tape, self._target is not None)
        if screen.has_focus and not screen.can_focus:
            self.post_message(self.Released())
        self._keep_size()

    @property
    def _is_present(self) -> bool:
        """Whether there is a machine, and the present is looked at."""
        session = self._session
        return session is not None and session.link is not None and not session.view.looks_back

    def _keep_size(self) -> None:
        session, row = self._session, self._row
        shown = self.screen_of_it if self.is_terminal else self.output
        if session is None or row is None or self._target is None or not shown.size.height or not self.is_on_screen:
            return
        rows, columns = (min(size, MAX_TERMINAL) for size in self.screen_of_it.fit(shown.size))
        asked = session, row.pid, rows, columns
        if (row.terminal.rows, row.terminal.columns) != (rows, columns) and asked != self._asked:
            self._asked = asked
            session.send(Resize(str(self._target), rows, columns))

    @property
    def is_terminal(self) -> bool:
        return self._row is not None and self._row.tape is not None and _CAN_EMULATE

    @property
    def has_keyboard(self) -> bool:
        return self.screen_of_it.has_focus

    @property
    def following(self) -> bool:
        """Whether the end is in sight and followed."""
        return self.screen_of_it.following if self.is_terminal else self.output.following

    def take_keyboard(self) -> bool:
        """Direct all keys to the program. Returns False if that is not possible."""
        screen = self.screen_of_it
        if self.is_terminal and screen.can_focus:
            screen.focus()
            return True
        return False

    def scroll_pages_by(self, by: int) -> None:
        (self.screen_of_it if self.is_terminal else self.output).scroll_pages(by)

    def follow(self) -> None:
        (self.screen_of_it if self.is_terminal else self.output).follow()

    def entitle(self, title: str, end: str = "") -> None:
        """Set the border's texts: for a terminal, how to leave or enter it."""
        config = config_of(self)
        if self.has_keyboard:
            end = _("every key is its own; {key} leaves").format(key=config.key("terminal_leave"))
        elif self.screen_of_it.can_focus and not end:
            end = _("{key} or a click gives it every key").format(key=config.key("console_type"))
        (self.screen_of_it if self.is_terminal else self.output).entitle(title, end)

    def on_resize(self) -> None:
        self.call_after_refresh(self._keep_size)

    def on_terminal_screen_typed(self, message: TerminalScreen.Typed) -> None:
        """Send a key press, a paste, or an answer of the terminal to the process."""
        message.stop()
        session, target = self._session, self._target
        if session is None or target is None:
            return
        if not message.automatic and not self.screen_of_it.following:
            self.screen_of_it.follow()
        for start in range(0, len(message.text), _MAX_KEYS):
            session.send(Keys(str(target), message.text[start : start + _MAX_KEYS], message.automatic))

    def on_terminal_screen_left(self, message: TerminalScreen.Left) -> None:
        message.stop()
        self.post_message(self.Released())
