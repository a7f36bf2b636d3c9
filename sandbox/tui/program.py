"""The program as a window on a terminal: how it looks, what it says, its help and its end."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from textual.app import App, SystemCommand
from textual.command import CommandPalette
from textual.markup import escape
from textual.screen import Screen

from sandbox.i18n import _
from sandbox.model.commands import Pause
from sandbox.tui.compat import can_suspend
from sandbox.tui.config import Config
from sandbox.tui.keys import ACTIONS, FROM_ANYWHERE, keys_of, written
from sandbox.tui.palette import DARK, LIGHT
from sandbox.tui.screens.board import BoardScreen
from sandbox.tui.signals import Signals
from sandbox.tui.state.session import Session

if TYPE_CHECKING:
    from sandbox.model.spec import Scenario

_INTERRUPTED = 130


class Program(App[int]):
    """What all actions need, and those that concern no machine. Dialogs are imported when they are opened: the first
    frame waits for none of them."""

    session: Session
    config: Config
    signals: Signals
    #: The screen below all dialogs.
    board_screen: BoardScreen

    def want_frame(self, soon: bool = False) -> None:
        """Something has changed: draw it. ``soon``: a person waits to see it."""
        raise NotImplementedError

    def run_scenario(self, scenario: Scenario) -> None:
        """End what runs and run this instead."""
        raise NotImplementedError

    def tell(self, text: str, severe: bool = False) -> None:
        """A short message over the board; nothing in it is markup."""
        self.notify(text, severity="warning" if severe else "information", timeout=4, markup=False)

    def key(self, action: str) -> str:
        """The key of an action, as people write it."""
        return self.config.key(action)

    # Actions, by the names in ``keys.ACTIONS``

    def action_theme(self) -> None:
        """Dark or light."""
        self.theme = LIGHT.name if self.current_theme.dark else DARK.name

    def export_screenshot(self, *, title: str | None = None, simplify: bool = False) -> str:
        """The screen as an SVG."""
        from sandbox.tui.screenshot import to_cells

        return to_cells(super().export_screenshot(title=title, simplify=simplify))

    def action_screenshot(self, filename: str | None = None, path: str | None = None) -> None:
        """Save a picture of the screen, if not told otherwise in the folder that we were started in."""
        try:
            saved = os.path.abspath(self.save_screenshot(filename, path))
        except OSError as error:
            self.tell(_("The screen cannot be saved: {reason}").format(reason=error.strerror), severe=True)
        else:
            self.tell(_("The screen is saved as {file}").format(file=saved))

    def action_suspend(self) -> None:
        """Back to the shell for a while."""
        if can_suspend(self):
            self.session.send(Pause("suspend"))
            self.signals.suspend()

    def action_palette(self) -> None:
        """Find a command by name."""
        self.action_command_palette()

    def action_command_palette(self) -> None:
        """Textual's own, in the reader's language."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(CommandPalette(placeholder=_("Type what it is called…"), id="--command-palette"))

    def action_help(self) -> None:
        """Show all keys."""
        from sandbox.tui.screens.help import Help

        self.push_screen(Help())

    async def action_quit(self) -> None:
        """Leave."""
        self.exit(0)

    def action_interrupt(self) -> None:
        """Leave, as from any program."""
        self.exit(_INTERRUPTED)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every action that is there by its name in the command palette."""
        front = self.board_screen.front
        for action in ACTIONS:
            if action.id != "palette" and action.panel in ("", front.id):
                run = partial(self.run_action, action.does, front if action.panel else self)
                keys = written(keys_of(action, self.config.keymap))
                yield SystemCommand(_(action.name), escape(f"{keys}   {_(action.says)}"), run)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While somebody types into a console, ctrl+c and ctrl+z are for the process."""
        return not (action in FROM_ANYWHERE and getattr(self.focused, "id", "") == "typing")
