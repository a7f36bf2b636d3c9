"""Synchronous and asynchronous, blocking and non-blocking: where each process is."""

from __future__ import annotations

from textual.app import ComposeResult

from sandbox.tui.panels.panel import Panel
from sandbox.tui.panels.quadrants.map import QuadrantMap
from sandbox.tui.state.session import Session


class Quadrants(Panel):
    """Four boxes."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._map = QuadrantMap(id="quadrant-map")

    def compose(self) -> ComposeResult:
        yield self._map

    def update_from(self, session: Session, chosen: int | None) -> None:
        self._map.update_from(session, chosen)
