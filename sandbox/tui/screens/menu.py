"""The menu of a process: the actions on it, with their keys. Opened by the right mouse button."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.i18n import _
from sandbox.tui.config import Config, config_of
from sandbox.tui.interaction import ask
from sandbox.tui.keys import ACTIONS
from sandbox.tui.screens.dialogs import Choose, Offer

if TYPE_CHECKING:
    from sandbox.tui.screens.board import BoardScreen

_OFFERED = ("inspect", "kill", "kill_surely", "next_change", "fold", "console", "memory", "states", "program")
#: Actions without use in a recording, as it has no machine.
_NEEDS_A_MACHINE = ("kill", "kill_surely")


class ProcessMenu(Choose):
    """Lets the user choose an action; the answer is its id."""

    def __init__(self, title: str, left_out: tuple[str, ...], config: Config) -> None:
        actions = [action for action in ACTIONS if action.id in _OFFERED and action.id not in left_out]
        actions.sort(key=lambda action: _OFFERED.index(action.id))
        keys = {action.id: config.key(action.id) for action in actions}
        width = max(map(len, keys.values()))
        offers = [
            Offer(action.id, _(action.name), f"{keys[action.id]:<{width}}  {_(action.says)}") for action in actions
        ]
        super().__init__(title, offers)


def open_menu(screen: BoardScreen, pid: int) -> None:
    """Open the menu for the chosen process, and perform the action that is chosen."""
    session = screen.session
    left_out = () if session.has_machine else _NEEDS_A_MACHINE
    if not session.view.tree.has_children:
        left_out = (*left_out, "fold")

    async def do(answer: str) -> None:
        await screen.app.run_action(next(action.does for action in ACTIONS if action.id == answer), screen)

    name = session.view.live.names.get(pid, "")
    menu = ProcessMenu(f"{pid} {name}", left_out, config_of(screen))
    ask(screen, menu, lambda answer: screen.call_next(do, answer))
