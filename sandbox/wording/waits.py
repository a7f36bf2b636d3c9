"""What processes, connections and clients wait for, and what the states of processes are called."""

from __future__ import annotations

from sandbox.i18n import Messages, _
from sandbox.model.events import Clause
from sandbox.model.states import State
from sandbox.wording.templates import say

STATES: Messages = {
    "new": "NEW",
    "ready": "READY",
    "running": "RUNNING",
    "blocked": "BLOCKED",
    "exited": "DONE",
}
_CAUSES: Messages = {
    "sleep": "sleep {for_ns}",
    "next job": "next job in {for_ns}",
    "read console": "read console",
    "write console": "console full",
    "read pipe": "read pipe ← {name}",
    "write pipe": "pipe full → {name}",
    "read file": "read file",
    "write file": "write file",
    "wait for child": "wait for child {pid}",
    "futex": "lock",
    "poll": "poll {on}",
    "accept": "accept {at}",
    "recv": "recv ← {at}",
    "send": "send → {at}",
    "connect": "connect → {at}",
    "start": "child starts",
    "signal": "a signal",
    "semaphore": "semaphore",
    "lock": "file lock",
    "open": "open file",
    "stopped itself": "stopped itself",
    "stopped": "stopped by {signal}",
    "disk": "disk",
    "waiting": "waiting {at}",
}

#: Why a client has ended.
_CLIENTS: Messages = {
    "nobody listens": "nobody listens {at}",
    "closed without an answer": "the server closed the connection without an answer",
    "reset": "the server broke the connection off",
    "no connection": "no connection: {reason}",
}

#: Where the process of a connection is, or what there is instead of one.
_SITUATIONS: Messages = {
    **STATES,
    "queued": "READY, {queue}",
    "waiting": "BLOCKED on {cause}",
    "connecting": "connecting",
    "closed": "it left",
    "in the kernel's backlog": "in the kernel's backlog",
    "the machine is paused": "in the kernel's backlog; the machine is paused",
    "behind a server": "in the kernel's backlog; {name} {server}",
}
_PLACES: Messages = {
    "1": "first in the queue",
    "2": "second in the queue",
    "3": "third in the queue",
    "4": "fourth in the queue",
    "5": "fifth in the queue",
    "6": "sixth in the queue",
    "7": "seventh in the queue",
    "8": "eighth in the queue",
    "9": "ninth in the queue",
    "10": "tenth in the queue",
}


def state(of: State) -> str:
    """What a state is called, wherever it is named."""
    return _(STATES[of.value])


def cause(clause: Clause) -> str:
    """What a process waits for, in a few words."""
    return say(_CAUSES, clause).rstrip(" ←→")


def waits(name: str, on: Clause) -> str:
    """That a process waits, and for what, where that is known."""
    if on.rule == "waiting" and not on.figures.get("at"):
        return _("{name} waits").format(name=name)
    return _("{name} waits: {cause}").format(name=name, cause=cause(on))


def client(clause: Clause) -> str:
    """Why a client has ended, if it did not leave by itself."""
    return say(_CLIENTS, clause)


def situation(clause: Clause) -> str:
    """How a conversation stands."""
    if clause.rule in _CLIENTS:
        return client(clause)
    figures = dict(clause.figures)
    if (where := figures.pop("where", None)) is not None:
        server = situation(Clause(str(where), figures))
        return say(_SITUATIONS, Clause("behind a server", {"name": figures.get("name"), "server": server}))
    if isinstance(place := figures.get("place"), int):
        return say(_SITUATIONS, Clause("queued", {"queue": _place(place)}))
    if (rule := figures.pop("cause", None)) is not None:
        return say(_SITUATIONS, Clause("waiting", {"cause": cause(Clause(str(rule), figures))}))
    return say(_SITUATIONS, clause)


def _place(number: int) -> str:
    named = _PLACES.get(str(number))
    return _("no. {number} in the queue").format(number=number) if named is None else _(named)


def burden(used: str, blocked: float) -> str:
    """What a listener costs: CPU time used, and the share of its life in which it was BLOCKED, 0 … 1."""
    said = _("{used} of CPU time, BLOCKED {blocked} of the time")
    return said.format(used=used, blocked=f"{blocked:.0%}")


def burst(number: int, answered: int, failed: int, figures: str) -> str:
    """What has become of clients that came all at once. ``figures``: how long their answers took."""
    said = _("burst of {number}: {answered} answered, {failed} failed")
    said = said.format(number=number, answered=answered, failed=failed)
    return _("{said}   answers: {figures}").format(said=said, figures=figures) if figures else said
