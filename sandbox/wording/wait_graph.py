"""Labels of the wait-for graph."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sandbox.i18n import Messages, _
from sandbox.model.events import Waits
from sandbox.wording.templates import Names, fill, listed
from sandbox.wording.waits import resource

#: A place in memory is identified by its last digits, a pipe or socket by its number.
_PLACE = re.compile(r"(.+) ([0-9a-f]*)([0-9a-f]{4})")
_NUMBERED = re.compile(r"(pipe|socket):\[(\d+)\]")
_KINDS: Messages = {"pipe": "pipe {number}", "socket": "socket {number}"}
_THINGS: Messages = {
    "seen": "{resource}: {holders} can give it, as the system tells",
    "said": "{resource}: {holders} has it, as the programs themselves say",
    "unknown": "{resource}: who has it the system does not tell; {holders} can give it back",
    "nobody": "{resource}: who has it the system does not tell",
    "abandoned": "{resource}: whoever had it has ended, and nobody can give it back",
}


#: Short labels for waits for an end; the edge shows which process it is.
_ENDS: Messages = {"end of a child": "a child's end", "end of thread ": "end of thread {number}", "end of ": "its end"}


def thing(name: str) -> str:
    """Return a short label for an awaited resource."""
    for beginning, template in _ENDS.items():
        if name.startswith(beginning):
            return fill(template, {"number": name.removeprefix(beginning)})
    if (numbered := _NUMBERED.fullmatch(name)) is not None:
        return fill(_KINDS[numbered[1]], {"number": numbered[2]})
    if (place := _PLACE.fullmatch(name)) is not None and len(place[2]) >= 4:
        return f"{place[1]} …{place[3]}"
    return name


def share(wait: Waits) -> str:
    """Return how many of several holders must release the resource, as ``1/2`` or ``2/2``; "" for a single holder."""
    several = len(wait.holders)
    return "" if several < 2 else f" 1/{several}" if wait.any else f" {several}/{several}"


def thing_named(waits: Sequence[Waits], names: Names) -> list[str]:
    """Return sentences about the resource that all these waits are for: its holders, and the waiting processes."""
    first = waits[0]
    kind = first.by if first.holders else "nobody" if first.by == "unknown" else "abandoned"
    holders = dict.fromkeys(pid for wait in waits for pid in wait.holders)
    figures = {"resource": resource(first.resource), "holders": _called(list(holders), names)}
    waiting = _("waiting for it: {names}").format(names=_called([wait.pid for wait in waits], names))
    return [fill(_THINGS[kind], figures), waiting]


def _called(pids: Sequence[int], names: Names) -> str:
    return listed(f"{pid} {names.get(pid, '')}".strip() for pid in pids)
