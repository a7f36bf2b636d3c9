"""What is said to the person at the keyboard, and asked of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from textual.app import App
from textual.screen import Screen
from textual.widget import Widget

from sandbox import wording
from sandbox.i18n import _
from sandbox.model.events import Fault
from sandbox.tui.config import config_of
from sandbox.wording.templates import Names

#: How long a message stays.
_TOLD_S = 4
#: More messages about faults at once would bury the board.
_MAX_TOLD = 3
#: Faults that the board shows anyway: the script would do something to a process that has ended.
_PLAIN_TO_SEE = ("has ended already",)


def tell(on: App[Any] | Widget, text: str, severe: bool = False) -> None:
    """A short message over the screen; nothing in it is markup. ``severe``: something has gone wrong, or cannot be."""
    on.notify(text, severity="warning" if severe else "information", timeout=_TOLD_S, markup=False)


def permitted(on: Widget | App[Any]) -> bool:
    """Whether whoever has the keys may start programs and name files; if not, that is said."""
    locked = config_of(on).locked
    if locked:
        tell(on, _("This is not permitted here (see: ossandbox serve --allow-commands)"), severe=True)
    return not locked


def tell_faults(on: App[Any], faults: Iterable[Fault], names: Names) -> None:
    """A message for each kind of fault. The same of several at once (a busy system stops nobody quickly) is told once,
    and of whom."""
    alike: dict[str, list[Fault]] = {}
    for fault in faults:
        if fault.what.rule not in _PLAIN_TO_SEE:
            alike.setdefault(fault.what.rule if fault.pid is not None else str(fault.what), []).append(fault)
    for first, *more in list(alike.values())[:_MAX_TOLD]:
        others = _("{first}; {number} others alike").format(first=wording.sentence(first, names), number=len(more))
        tell(on, others if more else wording.sentence(first, names), severe=True)


def ask(on: App[Any] | Widget, dialog: Screen[str | None], then: Callable[[str], None]) -> None:
    """Open a dialog, and go on with the answer if there is one."""
    on.app.push_screen(dialog, lambda answer: then(answer) if answer else None)
