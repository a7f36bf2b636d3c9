"""The waits panel: the wait-for graph of processes, what they wait for, and the holders of that."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from sandbox import wording
from sandbox.i18n import _
from sandbox.tui.interaction import tell
from sandbox.tui.keys import bindings
from sandbox.tui.panels.panel import Panel
from sandbox.tui.panels.waits.map import Named, WaitMap
from sandbox.tui.state.session import Session
from sandbox.tui.widgets.choices import Picked


class Waits(Panel, can_focus=True):
    """The panel with the graph. The chosen item is a process, as on all panels, or a resource that a process waits
    for."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("waits")

    folds = True
    #: Polled, as the highlighting of new waits ends without an event.
    poll_every_s = 0.25

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._map = WaitMap(id="wait-map")
        self._session: Session | None = None
        self._chosen: int | None = None
        self._thing: str | None = None

    def compose(self) -> ComposeResult:
        yield self._map

    def update_from(self, session: Session, chosen: int | None) -> None:
        if session is not self._session or chosen != self._chosen:
            self._thing = None
        self._session, self._chosen = session, chosen
        self._map.update_from(session, chosen, self._thing)
        if self._thing not in self._map.items:
            self._thing = None

    def poll(self) -> None:
        if self._session is not None and not self._session.view.looks_back:
            self._map.update_from(self._session, self._chosen, self._thing)

    def action_choose(self, by: int) -> None:
        """Choose another process or resource, ``by`` places further on in reading order."""
        items, now = self._map.items, self._thing or self._chosen
        if items:
            place = items.index(now) + by if now in items else 0 if by > 0 else len(items) - 1
            self._take(items[max(min(place, len(items) - 1), 0)])
        else:
            tell(self, _("Nobody waits for another process."))

    def _take(self, item: int | str) -> None:
        if isinstance(item, str):
            self._thing = item
        else:
            self._thing = None
            self.post_message(Picked(item))
        if self._session is not None:
            self._map.update_from(self._session, self._chosen, self._thing)

    async def action_go(self) -> None:
        """Inspect the chosen process, or explain the chosen resource."""
        if self._session is not None and self._thing is not None:
            waits = [wait.event for wait in self._map.graph.waits if wait.resource == self._thing]
            if waits:
                tell(self, wording.clauses(wording.thing_named(waits, self._session.view.names)))
        else:
            await self.run_action("screen.inspect")

    async def on_named(self, message: Named) -> None:
        """Choose the resource that was clicked."""
        message.stop()
        self._take(message.thing)
        if message.twice:
            await self.action_go()
