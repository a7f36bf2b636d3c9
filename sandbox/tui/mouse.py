"""The mouse's other buttons: Textual would take each of them for the left one, and what is clicked does what its key
does. Here the right one asks what can be done with the process under the mouse; the others do nothing."""

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
    """``ask``: is given the pid of the process on which the right button was pressed."""

    def __init__(self, app: App[Any], ask: Callable[[int], object]) -> None:
        self._app = app
        self._ask = ask

    def takes(self, event: MouseEvent) -> bool:
        """Whether it is one of theirs, and nobody else is to hear of it. A program that has the keys of its terminal
        has all of the mouse, too."""
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
