"""What is told of programs that run a line a turn, and of an order of turns that cannot be kept."""

from __future__ import annotations

from sandbox.i18n import N_, Messages, _
from sandbox.model.events import Change, Clause, Figure, Stepped
from sandbox.util.text import clean_line
from sandbox.wording.templates import Names, fill, say
from sandbox.wording.waits import cause

_STEPPED = N_("{name} has run {file}:{line}")
_STEPPED_AND_CHANGED = N_("{name} has run {file}:{line}: {changes}")
_COMES = N_("{name} stands before {file}:{line}")
_CHANGED = N_("{variable} {before} → {after}")
_NEW = N_("{variable} = {after}")
_SHARED = N_("{change} (shared)")

#: Why an entry of an order cannot be kept, by the state of its process.
_UNKEPT: Messages = {
    "order cannot be kept": "order cannot be kept: turn {turn} of {of} is that of {who}, which has not been ready yet",
    "new": "order cannot be kept: turn {turn} of {of} is that of {who}, which has not been ready yet",
    "running": "order cannot be kept: turn {turn} of {of} is that of {who}, which runs already",
    "blocked": "order cannot be kept: turn {turn} of {of} is that of {who}, which is blocked: {on}",
    "stopped": "order cannot be kept: turn {turn} of {of} is that of {who}, which somebody has stopped",
    "exited": "order cannot be kept: turn {turn} of {of} is that of {who}, which has ended",
}
#: Before the names of figures of a wait, among others.
_OF_WAIT = "on."


def stepped(event: Stepped, names: Names) -> str:
    """What a process has run, and what changed by it."""
    name = names.get(event.pid, str(event.pid))
    if not event.line:
        file = event.next_file or event.file
        return fill(_COMES, {"name": name, "file": clean_line(file), "line": event.next_line})
    figures: dict[str, Figure] = {"name": name, "file": clean_line(event.file), "line": event.line}
    if not event.changed:
        return fill(_STEPPED, figures)
    return fill(_STEPPED_AND_CHANGED, {**figures, "changes": _(", ").join(map(changed, event.changed))})


def changed(change: Change) -> str:
    """``x 0 → 1``."""
    figures = {"variable": clean_line(change.name), "after": clean_line(change.after)}
    if change.before is None:
        said = fill(_NEW, figures)
    else:
        said = fill(_CHANGED, {**figures, "before": clean_line(change.before)})
    return fill(_SHARED, {"change": said}) if change.shared else said


def unkept(clause: Clause) -> str:
    """Why an entry of an order was dropped."""
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
    """Why the program of a process is not shown."""
    return say(_MISSING, clause)
