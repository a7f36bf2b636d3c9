"""Texts about waits of processes, connections and clients, and the names of process states."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.i18n import Messages, _
from sandbox.model.events import Clause, Deadlocked, Edge, Resolved, Waits
from sandbox.model.rules import READ_CONSOLE
from sandbox.model.states import State
from sandbox.wording.templates import Names, fill, listed, say

STATES: Messages = {
    "new": "NEW",
    "ready": "READY",
    "running": "RUNNING",
    "blocked": "BLOCKED",
    "stopped": "STOPPED",
    "exited": "DONE",
}
_CAUSES: Messages = {
    "sleep": "sleep {for_ns}",
    "next job": "next job in {for_ns}",
    "read console": "read console",
    "read console, echo off": "read console, echo off",
    "write console": "console full",
    "read pipe": "read pipe ← {name}",
    "write pipe": "pipe full → {name}",
    "read file": "read file",
    "write file": "write file",
    "wait for child": "wait for child {pid}",
    "mutex": "lock",
    "condition": "condition",
    "semaphore": "semaphore",
    "lock or semaphore": "lock or semaphore",
    "futex": "lock or condition",
    "barrier": "barrier",
    "join": "wait for thread {tid}",
    "poll": "poll {on}",
    "accept": "accept {at}",
    "recv": "recv ← {at}",
    "send": "send → {at}",
    "connect": "connect → {at}",
    "start": "child starts",
    "signal": "a signal",
    "timer": "timer {for_ns}",
    "eventfd": "an event (eventfd)",
    "file change": "a change of a file",
    "receive message": "message queue empty",
    "send message": "message queue full",
    "lock": "file lock",
    "open": "open file",
    "open fifo": "nobody at the other end of the pipe {path}",
    "open fifo, reading": "open pipe {path} for reading ← nobody",
    "open fifo, writing": "open pipe {path} for writing → nobody",
    "read terminal": "what a terminal shows",
    "write terminal": "a terminal takes no more",
    "device": "device",
    "close": "close file",
    "io": "its input and output (asynchronous)",
    "random": "random numbers",
    "memory": "the system, which changes its memory",
    "end": "the system, which frees what it held",
    "stopped itself": "stopped itself",
    "stopped": "stopped by {signal}",
    "traced": "stopped by its debugger",
    "disk": "disk",
    "call": "system call {number}",
    "spins": "spins: the same again until somebody else has stepped",
    "waiting": "waiting {at}",
}
#: What a stop means, for the signals that tell it.
_STOPS: Messages = {
    "SIGTSTP": "stopped by its shell",
    "SIGTTIN": "stopped (it reads the console from the background)",
    "SIGTTOU": "stopped (it uses the console from the background)",
}

#: Sentences about the holders for which a process waits.
_FOR: Messages = {
    "one": "{name} waits for {holders}: {resource}",
    "all": "{name} waits for all of {holders}: {resource}",
    "any": "{name} waits for one of {holders}: {resource}",
    "threads": "threads of {name} wait for one another: {resource}",
    "self": "{name} waits for a thing that only itself could give it: {resource}",
    "unknown": "{name} waits for {resource}; who has it the system does not tell",
    "abandoned": "{name} waits for ever for {resource}: whoever had it has ended",
}
#: Names of resources that are not things but ends of processes.
_CHILD_ENDS: Messages = {"end of a child": "the end of a child"}
_ENDS_OF: Messages = {"end of thread ": "the end of its thread {what}", "end of ": "the end of {what}"}
#: Causes of waits for something that another process holds; and the most holders that are named.
_HELD = ("lock", "mutex", "lock or semaphore", "futex", "semaphore")
_MAX_HOLDERS = 2
#: The most links of a deadlock that are shown.
_MAX_LINKS = 12

#: Why a client has ended by itself or been cut off.
_CLIENTS: Messages = {
    "nobody listens": "nobody listens {at}",
    "closed without an answer": "the server closed the connection without an answer",
    "reset": "the server broke the connection off",
    "no connection": "no connection: {reason}",
}

#: The situation of a connection's process, or of the connection if it has none.
_SITUATIONS: Messages = {
    **STATES,
    "queued": "READY, {queue}",
    "waiting": "BLOCKED on {cause}",
    "halted": "STOPPED: {cause}",
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
    """Return the name of a state."""
    return _(STATES[of.value])


def cause(clause: Clause) -> str:
    """Return in a few words what a process waits for."""
    if clause.rule == "stopped" and (stop := _STOPS.get(clause.text("signal") or "")) is not None:
        return _(stop)
    if clause.rule == READ_CONSOLE and clause.text("echo") == "off":
        return _(_CAUSES["read console, echo off"])
    if (how := clause.text("for")) is not None and (said := f"{clause.rule}, {how}") in _CAUSES:
        clause = Clause(said, clause.figures)
    said = say(_CAUSES, clause).rstrip(" ←→")
    if (rule := clause.text("cause")) is None:
        return said
    more = cause(Clause(rule, {name: figure for name, figure in clause.figures.items() if name != "cause"}))
    if clause.rule == "join":  # it indirectly waits for what the joined thread waits for
        return _("{said}: {more}").format(said=said, more=more)
    return _("{said}; its thread {tid}: {more}").format(said=said, tid=clause.figures["tid"], more=more)


def waits(name: str, on: Clause) -> str:
    """Return that a process waits, and for what if that is known."""
    if on.rule == "waiting" and not on.figures.get("at"):
        return _("{name} waits").format(name=name)
    return _("{name} waits: {cause}").format(name=name, cause=cause(on))


def waits_for(event: Waits, names: Names) -> str:
    """Return a sentence about the holders for which a process waits."""
    kind = "any" if event.any else "all"
    if event.holders == [event.pid]:
        kind = "self"
    elif len(event.holders) < 2:
        kind = "one" if event.holders else "unknown" if event.by == "unknown" else "abandoned"
    called = _labels([event.pid, *event.holders], names)
    figures = {"name": called[event.pid], "holders": listed(called[pid] for pid in event.holders)}
    return fill(_FOR[kind], figures | {"resource": resource(event.resource)})


def held(on: Clause, waits: Waits, names: Names) -> str:
    """Return in a few words the resource of a wait and its holders; "" if the cause is no held resource or the holders
    are unknown."""
    if on.rule not in _HELD or not waits.holders:
        return ""
    who = listed(f"{pid} {names.get(pid, '')}".strip() for pid in waits.holders[:_MAX_HOLDERS])
    more = "…" if len(waits.holders) > _MAX_HOLDERS else ""
    what = waits.resource if waits.by == "said" else cause(on)
    if on.rule == "lock":
        what = f"{what} {waits.resource}"
    return f"{what} ← {who}{more}"


def resource(name: str) -> str:
    """Return the name of an awaited resource: a thing, or the end of a process or thread."""
    if name in _CHILD_ENDS:
        return _(_CHILD_ENDS[name])
    for beginning, template in _ENDS_OF.items():
        if name.startswith(beginning):
            return fill(template, {"what": name.removeprefix(beginning)})
    return name


def deadlock(event: Deadlocked, names: Names) -> str:
    """Return which process waits for which, link by link, beginning with the knot."""
    called = _labels(event.pids, names)
    links = [_link(edges, called) for edges in _by_waiter(event)]
    if len(links) > _MAX_LINKS:
        links = [*links[:_MAX_LINKS], "…"]
    template = _("perhaps a deadlock, unless a time-out or another process ends it: {links}")
    if not event.may_end:
        template = _("deadlock: {links}; none of them can ever go on")
    return template.format(links=listed(links))


def resolved(event: Resolved, names: Names) -> str:
    """Return that a deadlock is over."""
    called = _labels(event.pids, names)
    return _("the deadlock of {names} is over").format(names=listed(called[pid] for pid in event.pids))


def _by_waiter(event: Deadlocked) -> Iterable[list[Edge]]:
    """Yield the edges of each wait; those of the knot come first, each followed by the wait of one of its holders."""
    edges: dict[int, dict[str, list[Edge]]] = {}
    for edge in event.edges:
        edges.setdefault(edge.pid, {}).setdefault(edge.resource, []).append(edge)
    todo = [*reversed([*event.core, *(pid for pid in event.pids if pid not in event.core)])]
    while todo:
        pid = todo.pop()
        if pid in edges:
            found = [*edges.pop(pid).values()]
            within = [edge for wait in found for edge in wait if len(wait) == 1 and edge.holder == pid]
            if len(within) > 1:  # threads of one process wait for one another
                yield within
            yield from (wait for wait in found if len(within) < 2 or wait[0] not in within)
            todo += [edge.holder for wait in reversed(found) for edge in reversed(wait) if edge.holder in event.core]


def _link(edges: list[Edge], called: Names) -> str:
    pid = edges[0].pid
    figures = {
        "name": called.get(pid, str(pid)),
        "holders": listed(called.get(edge.holder, str(edge.holder)) for edge in edges),
    }
    whose = "self" if edges[0].holder == pid else "one"
    several = "threads" if whose == "self" and len({edge.resource for edge in edges}) > 1 else "any"
    things = {_thing(edge): None for edge in edges}
    return fill(_FOR[several if len(edges) > 1 else whose], figures | {"resource": listed(things)})


def _thing(edge: Edge) -> str:
    """Return the awaited resource, with the line of code that took it, if known."""
    name = resource(edge.resource)
    return _("{name} (taken in {taken})").format(name=name, taken=edge.taken) if edge.taken else name


def _labels(pids: Iterable[int], names: Names) -> dict[int, str]:
    """Return names for processes, with the pid added if several have the same name."""
    said = {pid: names.get(pid, str(pid)) for pid in pids}
    several = [*said.values()]
    return {pid: name if several.count(name) == 1 else f"{name} ({pid})" for pid, name in said.items()}


def client(clause: Clause) -> str:
    """Return why a client has ended, if it did not leave by itself."""
    return say(_CLIENTS, clause)


def situation(clause: Clause) -> str:
    """Return the state of a conversation between a client and a server."""
    if clause.rule in _CLIENTS:
        return client(clause)
    figures = dict(clause.figures)
    if (where := figures.pop("where", None)) is not None:
        server = situation(Clause(str(where), figures))
        return say(_SITUATIONS, Clause("behind a server", {"name": figures.get("name"), "server": server}))
    if isinstance(place := figures.get("place"), int):
        return say(_SITUATIONS, Clause("queued", {"queue": _place(place)}))
    if (rule := figures.pop("cause", None)) is not None:
        where = "halted" if clause.rule == State.STOPPED.value else "waiting"
        return say(_SITUATIONS, Clause(where, {"cause": cause(Clause(str(rule), figures))}))
    return say(_SITUATIONS, clause)


def _place(number: int) -> str:
    named = _PLACES.get(str(number))
    return _("no. {number} in the queue").format(number=number) if named is None else _(named)


def burden(used: str, blocked: float) -> str:
    """Return the cost of a listening process. ``used``: its CPU time, formatted; ``blocked``: the share of its life in
    which it was BLOCKED, 0 … 1."""
    said = _("{used} of CPU time, BLOCKED {blocked} of the time")
    return said.format(used=used, blocked=f"{blocked:.0%}")


def burst(number: int, answered: int, failed: int, figures: str) -> str:
    """Return the results of a burst of clients. ``figures``: the latencies of their answers, formatted ("": none)."""
    said = _("burst of {number}: {answered} answered, {failed} failed")
    said = said.format(number=number, answered=answered, failed=failed)
    return _("{said}   answers: {figures}").format(said=said, figures=figures) if figures else said
