"""What is said to the person at the keyboard, and asked of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.app import App
from textual.screen import Screen
from textual.widget import Widget

#: How long a message stays.
_TOLD_S = 4


def tell(on: App[Any] | Widget, text: str, severe: bool = False) -> None:
    """A short message over the screen; nothing in it is markup. ``severe``: something has gone wrong, or cannot be."""
    on.notify(text, severity="warning" if severe else "information", timeout=_TOLD_S, markup=False)


def ask(on: App[Any] | Widget, dialog: Screen[str | None], then: Callable[[str], None]) -> None:
    """Open a dialog, and go on with the answer if there is one."""
    on.app.push_screen(dialog, lambda answer: then(answer) if answer else None)
