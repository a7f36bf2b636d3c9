"""The operator's requests to the machine, with the dialogs for them.

The dialogs are imported when they are opened, to show the first frame sooner.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sandbox.i18n import _
from sandbox.model.commands import Kill, Reload, Resume, Signal, Spawn, UsePolicy, split_command
from sandbox.tui.config import config_of
from sandbox.tui.interaction import ask, permitted, tell
from sandbox.tui.state.errors import Impossible, KernelGone

if TYPE_CHECKING:
    from sandbox.tui.screens.board import BoardScreen

#: The most commands that can be recalled.
_MAX_COMMANDS = 50


class MachineOperator:
    """Sends the operator's requests to the session of a screen."""

    def __init__(self, screen: BoardScreen) -> None:
        self._screen = screen
        #: Commands that were typed, or whose processes were killed.
        self._commands: list[str] = []

    def do(self, something: Callable[[], object]) -> None:
        """Call a function of the session and show its effect, or tell the user why it cannot be done."""
        try:
            something()
        except KernelGone:
            said = _("The kernel process is gone. {key} starts the scenario again.")
            tell(self._screen, said.format(key=config_of(self._screen).key("restart")), severe=True)
        except Impossible as why:
            tell(self._screen, str(why), why.severe)
        self._screen.show_soon()

    def _can_ask(self) -> bool:
        """Whether there is a machine; if not, the user is told before filling in a dialog."""
        session = self._screen.session
        if not session.has_machine:
            self.do(lambda: session.ask(Resume()))
        return session.has_machine

    def predict(self) -> None:
        """Ask before each scheduling decision, or stop asking."""
        session = self._screen.session
        self.do(lambda: session.predict(not session.quiz.on))
        if session.quiz.on:
            tell(self._screen, _("Before each choice you are asked who runs next"))

    def choose_policy(self) -> None:
        """Choose another policy."""
        from sandbox.tui.screens.policy import ChoosePolicy

        session = self._screen.session

        def chosen(name: str) -> None:
            self.do(lambda: session.ask(UsePolicy(name)))

        if self._can_ask():
            ask(self._screen, ChoosePolicy(session.view.board.policy), chosen)

    def reload_policy(self) -> None:
        """Reload the present policy from its file."""
        if permitted(self._screen):
            self.do(lambda: self._screen.session.ask(Reload()))

    def change_quantum(self, by: int) -> None:
        """Make the quantum longer or shorter."""
        session = self._screen.session
        if self._can_ask():
            self.do(lambda: session.ask(session.quantum.change(session.view.board, by)))

    def start_process(self) -> None:
        """Ask for a command and run it."""
        from sandbox.tui.screens.forms import NewProcess

        def typed(command: str) -> None:
            self._remember(command)
            self.do(lambda: self._screen.session.ask(Spawn(split_command(command))))

        if permitted(self._screen) and self._can_ask():
            ask(self._screen, NewProcess(self._commands), typed)

    def _remember(self, command: str) -> None:
        """Keep a command for recall."""
        self._commands = [*(each for each in self._commands if each != command), command][-_MAX_COMMANDS:]

    def send_signal(self, pid: int, surely: bool) -> None:
        """Send a process a signal, after asking which one; with ``surely``, SIGKILL after a confirmation."""
        from sandbox.tui.screens.kill import ask_for_signal

        if self._can_ask():
            ask_for_signal(self._screen, self._screen.session, pid, surely, lambda name: self._send_signal(pid, name))

    def _send_signal(self, pid: int, name: str) -> None:
        from sandbox.tui.screens.kill import tell_after

        session = self._screen.session
        self.do(lambda: session.ask(Kill(str(pid)) if name == "TERM" else Signal(str(pid), name)))
        command = tell_after(self._screen, session, pid, name)
        if command is not None:
            self._remember(command)
