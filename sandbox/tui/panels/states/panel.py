"""The states panel: the diagram of process states, with every arrow between them as it is taken."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from sandbox.i18n import _
from sandbox.tui.keys import bindings
from sandbox.tui.panels.panel import Panel
from sandbox.tui.panels.states.map import StateMap
from sandbox.tui.state.session import Session


class States(Panel, can_focus=True):
    """The state diagram of all processes together, or of the chosen one."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("states")

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._map = StateMap(id="state-map")
        self._session: Session | None = None
        self._chosen: int | None = None
        self._alone = False

    def compose(self) -> ComposeResult:
        yield self._map

    def update_from(self, session: Session, chosen: int | None) -> None:
        self._session, self._chosen = session, chosen
        self._map.update_from(session, chosen, self._alone)

    def single_out(self) -> None:
        self._alone = True

    def action_one_or_all(self) -> None:
        """Toggle between the chosen process and all processes."""
        if self._session is None or self._chosen is None:
            self.notify(_("Choose a process first"), markup=False)
        else:
            self._alone = not self._alone
            self.update_from(self._session, self._chosen)
