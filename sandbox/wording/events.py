"""Sentences for events."""

from __future__ import annotations

import signal
from collections.abc import Sequence

import msgspec

from sandbox.i18n import N_, Messages, _
from sandbox.model.events import (
    Accepted,
    Admitted,
    Adopted,
    Backlog,
    Became,
    Blocked,
    Booted,
    Change,
    Clause,
    Closed,
    Connected,
    Deadlocked,
    Descheduled,
    Described,
    Dispatched,
    Event,
    Exited,
    Fault,
    Halted,
    Listening,
    Operator,
    PolicyNote,
    Queued,
    Queues,
    Ready,
    Reaped,
    Recipe,
    Resolved,
    Scheduling,
    Stepped,
    Terminal,
    Transferred,
    Unseen,
    Waits,
    Wrote,
    Zombie,
)
from sandbox.util.text import clean, clean_line
from sandbox.wording.faults import fault, operator
from sandbox.wording.policies import note, queue, rule
from sandbox.wording.templates import Names, clauses, fill, listed, say
from sandbox.wording.waits import cause, deadlock, resolved, waits, waits_for

ProcessEvent = Admitted | Became | Ready | Dispatched | Descheduled | Blocked | Exited | Wrote | Terminal
SocketEvent = Listening | Backlog | Connected | Accepted | Transferred | Closed

_BOOTED = N_("{machine} machine, {cpus} CPU, policy {policy}")
_BOOTED_WITH_SENSOR = N_("{machine} machine, {cpus} CPU, policy {policy}, sensor {sensor}")
_BORN = N_("{name} is born: {runs}")
_BORN_OF = N_("{name} is born, child of {parent}: {runs}")
_BECAME = N_("{name} is what it is now: {runs}")
_DISPATCHED = N_("{name} gets CPU {cpu} for {slice_ns}: {why}")
_DISPATCHED_FOR_LONG = N_("{name} gets CPU {cpu} until it blocks: {why}")
_DESCHEDULED = N_("{name} leaves CPU {cpu} after {ran_ns} of CPU time: {reason}")
_OVER = N_("{name} is over: {status}, {cpu_ns} of CPU time")
_WRITES = N_("{name} writes: {text}")
_STEPS: Messages = {
    "to": "{name} has run line {line} and stands before line {next}",
    "last": "{name} has run line {line}, its last one",
    "first": "{name} has come to its first line, {next}",
    "only": "{name} has come to an end without a line of its own",
}
_CHANGED = N_("{said}: {changes}")
_SHARED = N_("{change} (shared)")
_UNSEEN = N_("processes that {name} had started, and that ended before they were seen, used {cpu_ns} of CPU time")
_PAINTS = N_("{name} paints on its terminal")
_TERMINALS: Messages = {
    "lines": "the terminal of {name} has {columns}×{rows} characters and hands on lines",
    "hidden lines": "the terminal of {name} has {columns}×{rows} characters and hands on lines that it does not show",
    "keys": "the terminal of {name} has {columns}×{rows} characters and hands on each key",
}
_RUNNING = N_("running: {names}")
_POLICY = N_("policy {policy}")
_SCHEDULING = N_("policy {policy} is in force")
_FREEZER = N_("from now on processes are frozen instead of stopped by signals: {why}")
_RECIPE = N_("recipe {recipe}: {why}")
#: Descriptions of what would notice signals.
_NOTICES: Messages = {
    "handles SIGCHLD": "{name} handles SIGCHLD",
    "waits for SIGCHLD": "{name} blocks SIGCHLD and may wait for it",
    "handles SIGCONT": "{name} handles SIGCONT",
    "waits for SIGCONT": "{name} blocks SIGCONT and may wait for it",
    "watches its jobs": "{name} watches its jobs",
    "traces others": "{name} traces other programs",
    "is traced": "{name} is traced by another program",
    "starts others": "{name} starts other processes, and may watch them",
}
_OPERATOR = N_("operator: {did}")
_HALTED = N_("the machine is down: {why}")
#: Why a process enters the ready queue, in a few words; and the same as a sentence, for use without context.
_LEADS: Messages = {
    "admitted": "{name} arrives",
    "woke": "{name} wakes up",
    "expired": "{name} used its whole slice and goes to the tail",
    "preempted": "{name} is pushed aside and keeps the head of its queue",
    "yielded": "{name} gives the CPU away and goes to the tail",
}
_JOINS: Messages = {
    "admitted": "{name} arrives and joins the ready queue",
    "woke": "{name} wakes up and joins the ready queue",
}
#: Why a process left its CPU or the machine is down, in one or two words.
_ENDS: Messages = {
    "expired": "expired",
    "preempted": "preempted",
    "yielded": "yielded",
    "blocked": "blocked",
    "exited": "exited",
    "admitted": "admitted",
    "woke": "woke",
    "done": "done",
    "quit": "quit",
    "nothing can happen any more": "nothing can happen any more",
}
_SOCKET = N_("socket {socket}: {what}")
_SOCKETS: Messages = {
    "listening": "{name} listens at {at}",
    "backlog": "{waiting} wait to be accepted",
    "in the backlog": "{peer} is connected to {own}, and waits to be accepted",
    "connected": "{name} is connected to {peer}",
    "accepted": "{name} has accepted {peer}",
    "given on": "{name} has the connection",
    "transferred": "{received} bytes have come, {sent} have gone",
    "unread": "{received} bytes have come, {unread} of them unread, {sent} have gone",
    "not counted": "{unread} bytes are unread",
    "closed": "closed",
}

#: Sentences for ``Zombie``, ``Reaped`` and ``Adopted``, with and without another process that is named.
_FAMILY: Messages = {
    "Zombie": "{name} is a zombie: it has ended, and its parent {other} has not asked how",
    "Reaped": "{other} has asked for the end of {name}, and nothing is left of it",
    "Reaped by us": "nothing is left of {name}: its parent has ended, and ossandbox has asked for its end",
    "Adopted": "{name} has lost its parent; {other} has adopted it",
    "Adopted by us": "{name} has lost its parent; ossandbox has adopted it",
}

#: Short names of types of events, for a list of events.
_KINDS: Messages = {
    "booted": "booted",
    "scheduling": "scheduling",
    "admitted": "admitted",
    "became": "became",
    "ready": "ready",
    "dispatched": "dispatched",
    "descheduled": "descheduled",
    "blocked": "blocked",
    "waits": "waits",
    "deadlocked": "deadlocked",
    "resolved": "resolved",
    "stepped": "stepped",
    "exited": "exited",
    "zombie": "zombie",
    "reaped": "reaped",
    "adopted": "adopted",
    "wrote": "wrote",
    "terminal": "terminal",
    "policynote": "policynote",
    "queues": "queues",
    "described": "described",
    "listening": "listening",
    "backlog": "backlog",
    "connected": "connected",
    "accepted": "accepted",
    "transferred": "transferred",
    "closed": "closed",
    "operator": "operator",
    "fault": "fault",
    "witnessed": "witnessed",
    "halted": "halted",
}


def kind(event: Event) -> str:
    """Return a short name for the type of an event."""
    name = type(event).__name__.lower()
    return _(_KINDS.get(name, name))


def sentence(event: Event, names: Names) -> str:
    """Return a sentence that says what happened; "" for an event that needs none."""
    if isinstance(event, ProcessEvent):
        own = event.name if isinstance(event, Admitted) else str(event.pid)
        return _of_process(event, names.get(event.pid, own))
    if isinstance(event, SocketEvent):
        return _of_socket(event, names)
    match event:
        case Stepped(pid=pid):
            return _of_step(event, names.get(pid, str(pid)))
        case PolicyNote():
            return note(event, names)
        case Waits():
            return waits_for(event, names)
        case Deadlocked():
            return deadlock(event, names)
        case Resolved():
            return resolved(event, names)
        case Zombie() | Reaped() | Adopted():
            return _of_family(event, names)
        case Fault(what=what, pid=pid):
            return fault(what) if pid is None else f"{names.get(pid, str(pid))}: {fault(what)}"
    return _of_machine(event, names)


def _of_family(event: Zombie | Reaped | Adopted, names: Names) -> str:
    other = event.parent if isinstance(event, Zombie) else event.by
    name, template = type(event).__name__, _FAMILY[type(event).__name__]
    if other is None:
        template = _FAMILY[f"{name} by us"]
    figures = {"name": names.get(event.pid, str(event.pid)), "other": names.get(other or 0, str(other))}
    return fill(template, figures)


def _of_process(event: ProcessEvent, name: str) -> str:
    """Return a sentence for an event about a single process."""
    match event:
        case Admitted(runs=runs, parent=parent):
            return fill(_BORN if parent is None else _BORN_OF, {"name": name, "runs": runs, "parent": parent})
        case Became(name=name, runs=runs):
            return fill(_BECAME, {"name": name, "runs": runs})
        case Ready(reason=reason):
            return fill(_JOINS.get(reason) or _LEADS[reason], {"name": name})
        case Dispatched(cpu=cpu, slice_ns=slice_ns, why=why):
            template = _DISPATCHED_FOR_LONG if slice_ns is None else _DISPATCHED
            return fill(template, {"name": name, "cpu": cpu, "slice_ns": slice_ns, "why": rule(why)})
        case Descheduled(cpu=cpu, ran_ns=ran_ns, reason=reason):
            return fill(_DESCHEDULED, {"name": name, "cpu": cpu, "ran_ns": ran_ns, "reason": _ended(reason)})
        case Blocked(on=on):
            return waits(name, on)
        case Exited(cpu_ns=cpu_ns):
            return fill(_OVER, {"name": name, "status": status(event), "cpu_ns": cpu_ns})
        case Wrote(text=""):
            return fill(_PAINTS, {"name": name})
        case Wrote(text=text):
            return fill(_WRITES, {"name": name, "text": clean(text).rstrip()})
        case Terminal(rows=rows, columns=columns):
            reads = "keys" if not event.canonical else "lines" if event.echo else "hidden lines"
            return fill(_TERMINALS[reads], {"name": name, "rows": rows, "columns": columns})


def _of_step(event: Stepped, name: str) -> str:
    """Return a sentence for a line that was run, with the variables that it changed."""
    rule = ("to" if event.next_line else "last") if event.line else "first" if event.next_line else "only"
    other = event.next_file or event.file
    line = f"{event.line}" if other == event.file else f"{event.file}:{event.line}"
    following = f"{event.next_line}" if other == event.file else f"{other}:{event.next_line}"
    said = fill(_STEPS[rule], {"name": name, "line": line, "next": following})
    if not event.changed:
        return said
    changes = (change(each) for each in event.changed)
    return fill(_CHANGED, {"said": said, "changes": ", ".join(changes)})


def change(changed: Change) -> str:
    """Return the change of a variable as ``x 0 → 1``."""
    before = "" if changed.before is None else f"{changed.before} → "
    said = clean_line(f"{changed.name} {before}{changed.after}", 200)
    return fill(_SHARED, {"change": said}) if changed.shared else said


def _of_machine(event: Event, names: Names) -> str:
    """Return a sentence for an event about the machine, its policy or the operator."""
    match event:
        case Booted(machine=machine, cpus=cpus, policy=policy, sensor=sensor):
            template = _BOOTED_WITH_SENSOR if sensor else _BOOTED
            return fill(template, {"machine": machine, "cpus": cpus, "policy": policy, "sensor": sensor})
        case Scheduling(policy=policy):
            return fill(_SCHEDULING, {"policy": policy})
        case Recipe(recipe=recipe, why=why):
            return fill(_FREEZER if recipe == "freezer" else _RECIPE, {"recipe": recipe, "why": say(_NOTICES, why)})
        case Unseen(pid=pid, cpu_ns=cpu_ns):
            return fill(_UNSEEN, {"name": names.get(pid, str(pid)), "cpu_ns": cpu_ns})
        case Queues(queues=queues, running=running):
            waiting = (f"{queue(each.name)}: {_listed(each.tasks, names)}" for each in queues)
            return clauses([fill(_RUNNING, {"names": _listed(running, names)}), *waiting])
        case Described(policy=policy, parameters=parameters):
            values = (f"{parameter.name} {parameter.value}" for parameter in parameters)
            return clauses([fill(_POLICY, {"policy": policy}), *values])
        case Operator(did=did):
            return fill(_OPERATOR, {"did": operator(did, names)})
        case Halted(why=why):
            return fill(_HALTED, {"why": _ended(why.rule)})
    return ""


def lead(event: Ready, names: Names) -> str:
    """Return in a few words why a process entered the ready queue."""
    return fill(_LEADS[event.reason], {"name": names[event.pid]})


def _ended(reason: str) -> str:
    return _(_ENDS.get(reason, reason))


def _of_socket(event: SocketEvent, names: Names) -> str:
    """Return a sentence for an event about a listening socket or a connection."""
    figures = msgspec.structs.asdict(event)
    if isinstance(pid := figures.get("pid"), int):
        figures["name"] = names.get(pid, str(pid))
    return fill(_SOCKET, {"socket": event.socket, "what": fill(_SOCKETS[_socket_rule(event)], figures)})


def _socket_rule(event: SocketEvent) -> str:
    match event:
        case Connected(pid=None):
            return "in the backlog"
        case Connected(listener=None):
            return "connected"
        case Connected():
            return "accepted"
        case Accepted():
            return "given on"
        case Transferred(received=None):
            return "not counted"
        case Transferred(unread=unread) if unread:
            return "unread"
    return type(event).__name__.lower()


def _listed(tasks: Sequence[Queued], names: Names) -> str:
    return listed(names.get(task.pid, str(task.pid)) for task in tasks) or _("nobody")


def status(event: Exited) -> str:
    """Return how a process ended: ``exit 0``, or the signal that killed it."""
    if event.signal is not None:
        return _("killed by {signal}").format(signal=signal_name(event.signal))
    return _("ended") if event.code is None else _("exit {code}").format(code=event.code)


def signal_name(number: int) -> str:
    """Return the name of a signal: ``SIGTERM`` for 15."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return _("signal {number}").format(number=number)


def stretch(state: str, why: Clause) -> str:
    """Return in a few words why a process was in a state."""
    match state:
        case "RUNNING":
            return rule(why)
        case "BLOCKED":
            return cause(why)
    return _ended(why.rule)
