"""Events in a sentence each."""

from __future__ import annotations

import signal
from collections.abc import Sequence

import msgspec

from sandbox.i18n import N_, Messages, _
from sandbox.model.events import (
    Accepted,
    Admitted,
    Backlog,
    Became,
    Blocked,
    Booted,
    Clause,
    Closed,
    Connected,
    Descheduled,
    Described,
    Dispatched,
    Event,
    Exited,
    Fault,
    Figure,
    Halted,
    Listening,
    Operator,
    PolicyNote,
    Queued,
    Queues,
    Ready,
    Scheduling,
    Transferred,
    Wrote,
)
from sandbox.util.text import clean
from sandbox.wording.faults import fault, operator
from sandbox.wording.policies import note, queue, rule
from sandbox.wording.templates import Names, fill, listed
from sandbox.wording.waits import cause, waits

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
_RUNNING = N_("running: {names}")
_POLICY = N_("policy {policy}")
_SCHEDULING = N_("policy {policy} is in force")
_OPERATOR = N_("operator: {did}")
_HALTED = N_("the machine is down: {why}")
_READY: Messages = {
    "admitted": "{name} arrives and joins the ready queue",
    "woke": "{name} wakes up and joins the ready queue",
    "expired": "{name} used its whole slice and goes to the tail",
    "preempted": "{name} is pushed aside and keeps the head of its queue",
    "yielded": "{name} gives the CPU away and goes to the tail",
}
#: Why a process left its CPU, and why a machine is down, in one or two words.
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


def sentence(event: Event, names: Names) -> str:
    """What happened, in one sentence; "" for what needs none."""
    figures: dict[str, Figure] = {}
    if isinstance(pid := getattr(event, "pid", None), int):
        figures["name"] = names.get(pid, str(pid))
    match event:
        case Booted(machine=machine, cpus=cpus, policy=policy, sensor=sensor):
            template = _BOOTED_WITH_SENSOR if sensor else _BOOTED
            figures = {"machine": machine, "cpus": cpus, "policy": policy, "sensor": sensor}
        case Admitted(name=name, runs=runs, parent=parent):
            template = _BORN if parent is None else _BORN_OF
            figures = {"name": name, "runs": runs, "parent": parent}
        case Became(name=name, runs=runs):
            template, figures = _BECAME, {"name": name, "runs": runs}
        case Ready(reason=reason):
            template = _READY[reason]
        case Dispatched(cpu=cpu, slice_ns=slice_ns, why=clause):
            template = _DISPATCHED_FOR_LONG if slice_ns is None else _DISPATCHED
            figures |= {"cpu": cpu, "slice_ns": slice_ns, "why": rule(clause)}
        case Descheduled(cpu=cpu, ran_ns=ran_ns, reason=reason):
            template = _DESCHEDULED
            figures |= {"cpu": cpu, "ran_ns": ran_ns, "reason": _ended(reason)}
        case Blocked(on=on):
            return waits(str(figures["name"]), on)
        case Exited(cpu_ns=cpu_ns):
            template = _OVER
            figures |= {"status": status(event), "cpu_ns": cpu_ns}
        case Wrote(text=text):
            template = _WRITES
            figures |= {"text": clean(text).rstrip()}
        case PolicyNote():
            return note(event, names)
        case Queues(queues=queues, running=running):
            waiting = (f"{queue(each.name)}: {_listed(each.tasks, names)}" for each in queues)
            return "; ".join([fill(_RUNNING, {"names": _listed(running, names)}), *waiting])
        case Described(policy=policy, parameters=parameters):
            values = (f"{parameter.name} {parameter.value}" for parameter in parameters)
            return "; ".join([fill(_POLICY, {"policy": policy}), *values])
        case Listening() | Backlog() | Connected() | Accepted() | Transferred() | Closed():
            what = fill(_SOCKETS[_of_socket(event)], {**msgspec.structs.asdict(event), **figures})
            template, figures = _SOCKET, {"socket": event.socket, "what": what}
        case Operator(did=did):
            template, figures = _OPERATOR, {"did": operator(did)}
        case Fault(what=clause, pid=pid):
            return fault(clause) if pid is None else f"{figures['name']}: {fault(clause)}"
        case Scheduling(policy=policy):
            template, figures = _SCHEDULING, {"policy": policy}
        case Halted(why=clause):
            template, figures = _HALTED, {"why": _ended(clause.rule)}
        case _:
            return ""
    return fill(template, figures)


def _ended(reason: str) -> str:
    return _(_ENDS.get(reason, reason))


def _of_socket(event: SocketEvent) -> str:
    """What happened to a listener or a connection."""
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
    """How a process ended: ``exit 0`` or the signal's name."""
    if event.signal is not None:
        return _("killed by {signal}").format(signal=signal_name(event.signal))
    return _("ended") if event.code is None else _("exit {code}").format(code=event.code)


def signal_name(number: int) -> str:
    """``SIGTERM`` for 15."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return _("signal {number}").format(number=number)


def stretch(state: str, why: Clause) -> str:
    """Why a process was in a state, in a few words."""
    match state:
        case "RUNNING":
            return rule(why)
        case "BLOCKED":
            return cause(why)
    return _ended(why.rule)
