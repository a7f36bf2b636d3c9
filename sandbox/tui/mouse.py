"""The mouse buttons other than the left one, which Textual would treat like the left one. The right button opens a menu
for the process under the mouse; the others do nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.app import App
from textual.errors import NoWidget
from textual.events import MouseDown, MouseEvent, MouseUp
from textual.geometry import Offset
from textual.widget import Widget

from sandbox.tui.widgets.entry import TakesAllKeys
from sandbox.tui.widgets.lines import Lines

_LEFT, _RIGHT = 1, 3


class OtherButtons:
    """Handles these buttons. ``ask``: called with the pid of the process on which the right button was pressed."""

    def __init__(self, app: App[Any], ask: Callable[[int], object]) -> None:
        self._app = app
        self._ask = ask

    def takes(self, event: MouseEvent) -> bool:
        """Handle an event of another button. Returns whether it was handled, so that no widget gets it. A terminal that
        has the focus gets all buttons."""
        if not isinstance(event, MouseDown | MouseUp) or event.button <= _LEFT:
            return False
        widget = self._under(event)
        if isinstance(widget, TakesAllKeys) and widget.has_focus:
            return False
        if isinstance(event, MouseDown) and event.button == _RIGHT and isinstance(widget, Lines):
            place = Offset(int(event.x), int(event.y)) - widget.content_region.offset
            pid = widget.process_at(place)
            if pid is not None:
                self._ask(pid)
        return True

    def _under(self, event: MouseEvent) -> Widget | None:
        try:
            return self._app.screen.get_widget_at(event.x, event.y)[0]
        except NoWidget:
            return None
