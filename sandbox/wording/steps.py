"""Sentences about orders of turns that cannot be kept, and about programs that cannot be shown."""

from __future__ import annotations

from sandbox.i18n import Messages
from sandbox.model.events import Clause
from sandbox.wording.templates import fill, say
from sandbox.wording.waits import cause

#: Why an entry of an order cannot be kept, by the state of its process.
_UNKEPT: Messages = {
    "order cannot be kept": "order cannot be kept: turn {turn} of {of} is that of {who}, which has not been ready yet",
    "new": "order cannot be kept: turn {turn} of {of} is that of {who}, which has not been ready yet",
    "running": "order cannot be kept: turn {turn} of {of} is that of {who}, which runs already",
    "blocked": "order cannot be kept: turn {turn} of {of} is that of {who}, which is blocked: {on}",
    "stopped": "order cannot be kept: turn {turn} of {of} is that of {who}, which somebody has stopped",
    "exited": "order cannot be kept: turn {turn} of {of} is that of {who}, which has ended",
}
#: The prefix of the figures that belong to a wait.
_OF_WAIT = "on."


def unkept(clause: Clause) -> str:
    """Return why an entry of an order of turns was dropped."""
    figures = clause.figures
    on = figures.get("on")
    if isinstance(on, str):
        of_wait = {name.removeprefix(_OF_WAIT): value for name, value in figures.items() if name.startswith(_OF_WAIT)}
        figures = {**figures, "on": cause(Clause(on, of_wait))}
    return fill(_UNKEPT.get(str(figures.get("state")), _UNKEPT[clause.rule]), figures)


_MISSING: Messages = {
    "no source": "there is no source of it here",
    "not a text file": "it is not a text",
    "not beside the scenario": "it is not in the scenario's folder",
    "cannot be read": "it cannot be read: {reason}",
    "not found": "nothing is known of its program",
}


def missing(clause: Clause) -> str:
    """Return why the program of a process is not shown."""
    return say(_MISSING, clause)
