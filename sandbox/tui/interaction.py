"""Messages and questions to the user."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from textual.app import App
from textual.screen import Screen
from textual.widget import Widget

from sandbox import wording
from sandbox.i18n import _
from sandbox.model.events import Fault
from sandbox.tui.config import config_of
from sandbox.wording.templates import Names, listed

#: The time in seconds for which a message is shown.
_TOLD_S = 4
#: The most messages about faults at once: more would cover the board.
_MAX_TOLD = 3
#: The most names in a list.
_MAX_NAMES = 5
#: Faults that the board makes obvious: the script refers to a process that has ended.
_PLAIN_TO_SEE = ("has ended already",)


def tell(on: App[Any] | Widget, text: str, severe: bool = False) -> None:
    """Show a short message over the screen, without markup. ``severe``: a problem or a refusal."""
    on.notify(text, severity="warning" if severe else "information", timeout=_TOLD_S, markup=False)


def permitted(on: Widget | App[Any]) -> bool:
    """Whether the user may start programs and name files; if not, the user is told."""
    locked = config_of(on).locked
    if locked:
        tell(on, _("This is not permitted here (see: ossandbox serve --allow-commands)"), severe=True)
    return not locked


def tell_faults(on: App[Any], faults: Iterable[Fault], names: Names) -> None:
    """Show a message for each kind of fault. Faults of one kind, such as slow stops on a busy system, share a message,
    which names the process of the first."""
    alike: dict[str, list[Fault]] = {}
    for fault in faults:
        if fault.what.rule not in _PLAIN_TO_SEE:
            alike.setdefault(fault.what.rule if fault.pid is not None else str(fault.what), []).append(fault)
    for first, *more in list(alike.values())[:_MAX_TOLD]:
        tell(on, _with_others(first, more, names), severe=True)


def _with_others(first: Fault, more: Sequence[Fault], names: Names) -> str:
    """Return the sentence of a fault, and which other processes have the like or how often it has come."""
    said = wording.sentence(first, names)
    others = {fault.pid for fault in more if fault.pid is not None} - {first.pid}
    if others:
        shown = some([names.get(pid, str(pid)) for pid in sorted(others)])
        return _("{said}. The same is true of {names}").format(said=said, names=shown)
    return _("{said} ({number} times)").format(said=said, number=len(more) + 1) if more else said


def ask(on: App[Any] | Widget, dialog: Screen[str | None], then: Callable[[str], None]) -> None:
    """Open a dialog, and call ``then`` with its answer unless that is empty."""
    on.app.push_screen(dialog, lambda answer: then(answer) if answer else None)


def some(names: Sequence[str]) -> str:
    """Return the first names, and the number of the others."""
    more = len(names) - _MAX_NAMES
    shown = listed(names[:_MAX_NAMES])
    return shown if more <= 0 else _("{names} and {number} more").format(names=shown, number=more)
