"""Data → sentences: what events, causes, rules and faults are called on a screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import Formatter
from typing import Any

import msgspec

from sandbox.events import (
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
from sandbox.happenings import Happening
from sandbox.text import clean
from sandbox.units import MS, S, show_duration

Names = Mapping[int, str]
SocketEvent = Listening | Backlog | Connected | Accepted | Transferred | Closed

_RULES = {
    "head of the ready queue": "it is the head of the ready queue",
    "goes on after a pause": "it was on the CPU when the machine paused",
    "shortest next burst": "its next burst is the shortest: {burst_ns}",
    "shortest estimated burst": "its next burst is thought to be the shortest: {burst_ns}",
    "least remaining time": "least remaining time: {remaining_ns}",
    "least estimated remaining time": "least remaining time, as far as one can tell: {remaining_ns}",
    "highest response ratio": "highest response ratio: {ratio} after waiting {waited_ns} for {burst_ns}",
    "best priority": "best priority: {priority}",
    "best priority by age": "best priority: {priority}, its own being {own}",
    "highest non-empty queue": "the highest non-empty queue is {level}",
    "holds the drawn ticket": "it holds ticket {ticket}: it has {first} to {last}",
    "lowest pass": "lowest pass: {pass}; its stride is {stride}",
    "least virtual runtime": "least virtual runtime: {vruntime_ns}",
    "earliest virtual deadline": "of those who have not had their share, the earliest virtual deadline: {deadline_ns}",
    "earliest deadline": "its deadline is the earliest: {due_ns}",
    "no deadline is left": "nobody with a deadline is ready, and it came first",
    "shortest period": "its period is the shortest: {period_ns}",
    "no period is left": "nobody with a period is ready, and it came first",
}

#: A policy's own moves, where one process is concerned and where not.
_NOTES = {
    "demoted": "{name} used up its slices in queue {from} and moves down to queue {to}",
    "boosted": "boost: all return to the top queue, {lifted} from below",
    "bumped": "{name} comes from I/O and goes to the head of queue {level}",
    "aged": "{name} has waited long: its priority improves from {before} to {after}",
    "drew": "the lottery drew {ticket} of {total}",
    "estimate updated": "{name} ran {burst_ns} where {before_ns} were expected; {estimate_ns} are expected next",
    "caught up": "{name} has slept: its pass moves from {before} to {after}, it gets no time back",
    "credit limited": "{name} has slept: its virtual runtime moves from {before_ns} to {after_ns}, no further back",
    "missed its deadline": "{name} misses its deadline, {due_ns}",
}

_QUEUES = {
    "ready queue": "ready queue",
    "level": "queue {level}",
    "eligible": "eligible",
    "ahead of its share": "ahead of their share",
}

_CAUSES = {
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
    "disk": "disk",
    "waiting": "waiting {at}",
}

_OPERATOR = {
    "paused": "paused",
    "resumed": "resumed",
    "stepped": "one step",
    "quit": "quit",
    "killed": "killed {pid}",
    "spawned": "started {runs}",
    "typed": "typed into {pid}: {text}",
    "pressed": "pressed {key} in {pid}",
    "set": "{parameter} is {value} now",
    "policy": "policy is {policy} now",
    "reloaded": "{policy} has been loaded anew",
}

_FAULTS = {
    "no such process": "there is no process {who}",
    "could not be started": "{name} could not be started: {reason}",
    "port is taken": "{name} cannot listen at {at}: somebody else does; {hint} is free",
    "port is taken by": "{name} cannot listen at {at}: {by} does; {hint} is free",
    "is exposed": "{name} does not listen at {at}: other machines can reach it, too; --expose permits that",
    "nobody listens": "{name} could not be started: nobody listens at {at}",
    "ended before its arrival": "{name} ended before its arrival",
    "stopped itself": "it stopped itself; its next turn continues it",
    "continued by somebody else": "somebody else continued it; it was stopped again",
    "sensor cannot be had": "the sensor {sensor} cannot be had here: {reason}; {next} notices blocking instead",
    "sensor lost": "the sensor {sensor} is lost: {reason}; {next} goes on in its place",
    "no list of sockets": "who is connected to whom cannot be seen here: {reason}",
    "no witness": "the slices cannot be verified here: {reason}",
    "stop not confirmed": "its stop is not confirmed yet; the others go on",
    "waits for somebody to type": "nobody is here to type for {names}: the run ends",
    "nothing can happen any more": "nothing can happen any more: the run ends",
    "only on real processes": "{command} needs real processes; the virtual machine has none",
    "policy raises": "{policy} fails in {callback}, {file} line {line}: {error} ({code}); {successor} takes over",
    "policy answers nonsense": "{policy}: {callback}, {file} line {line}, answers {answer} instead of {allowed}; "
    "{successor} takes over",
    "policy takes too long": "{policy} does not come back from {callback}, {file} line {line} ({code}); {successor} "
    "takes over",
    "recording ended": "the recording {file} ends here: {reason}; the run goes on",
    "policy hangs": "the policy does not come back from {callback}, {file} line {line} ({code}), where nothing can "
    "interrupt it; the kernel process and everything that it ran have been ended",
    "kernel process died": "the kernel process died ({reason}); everything that it ran has been ended",
}

#: Why a client has ended.
_CLIENTS = {
    "nobody listens": "nobody listens {at}",
    "closed without an answer": "the server closed the connection without an answer",
    "reset": "the server broke the connection off",
    "no connection": "no connection: {reason}",
}

_PROBLEMS = {
    "duration needs a unit": "{value} has no unit; write {hint}",
    "expected a duration": "{value} is no duration; write for example 20ms, 1.5s or 250us",
    "out of range": "{value} is out of range; allowed: {allowed}",
    "expected a whole number": "{value} is no whole number; allowed: {allowed}",
    "expected a number": "{value} is no number; allowed: {allowed}",
    "expected true or false": "{value} is neither true nor false",
    "expected text": "{value} is no text; put it in quotation marks",
    "expected a list": "{value} is no list; write [ … ]",
    "expected a table": "{value} is no table; write {{ key = value }}",
    "expected tables": "{value} is no list of tables; begin each with {hint}",
    "not one of the allowed words": "{value} is not allowed; allowed: {allowed}",
    "text has the wrong length": "{length} characters; allowed: {allowed}",
    "text holds a NUL byte": "holds a NUL byte",
    "not a name": "{value} is no name: one word of at most 40 characters",
    "list has the wrong length": "{length} entries; allowed: {allowed}",
    "not a stretch of work": "{value} is no stretch of work; allowed: {allowed}",
    "not a command": "{value} is nothing an operator can do; allowed: {allowed}",
    "not a command line": "{value} is no command line",
    "no such parameter": "{policy} has no parameter {value}; it has: {allowed}",
    "not a setting": "{value} sets no parameter; write {name}:parameter=value",
    "no such policy": "there is no policy {value}; there are: {allowed}",
    "no such file": "there is no file {value}",
    "which class": "{value} does not say which class is meant; write {allowed}",
    "no such class": "there is no class {value} in {file}",
    "no such function": "there is no function {value} in {file}; there are: {allowed}",
    "no such sensor here": "the sensor {value} cannot be had here: {reason}; {hint} takes the best that can",
    "no such scenario": "there is no scenario {value}; there are: {allowed}, or give the path of a file",
    "no such process": "there is no process {value}; there are: {allowed}",
    "file does not load": "{value} does not load: {reason}",
    "file fails": "{value} fails in line {line}: {reason}",
    "not a policy": "{value} is no policy: its class must derive from sandbox.policies.base.Policy",
    "policy does not start": "{value} does not start: {reason}",
    "ties of a policy": "{value} says ties = {found}; allowed: {allowed}",
    "no policy in the file": "the file of {value} holds no policy of that name",
    "file is too large": "the file is larger than {allowed}",
    "cannot be read": "cannot be read: {reason}",
    "file exists": "exists already; give another name, or --force to overwrite it",
    "not a file for a policy": "is no name for a policy's file: letters, digits and _, then .py, for example mine.py",
    "cannot be written": "cannot be written: {reason}",
    "policy takes too long": "does not come back when it is loaded: {file}, line {line}",
    "ends the process": "ends the process when it is loaded: {reason}",
    "is not UTF-8": "is not UTF-8 text (byte {byte})",
    "is not TOML": "is not TOML: {reason}",
    "is nested too deeply": "is nested too deeply",
    "too many processes": "{number} processes; at most {allowed}",
    "too many tables": "{number} tables; at most {allowed}",
    "says nothing to run": "says nothing to run; give exactly one of: {allowed}",
    "says more than one thing to run": "says {found}; give exactly one of: {allowed}",
    "belongs to others only": "belongs to {owner} only",
    "two servers at one address": "two servers listen at {value}; give each a listen of its own",
    "two clients of one name": "two clients are called {value}",
    "leads off this machine": "{value} leads off this machine; clients stay on it",
    "not an address": "{value} is no address; write for example {hint}",
    "no such host": "{value} leads nowhere: {reason}",
    "is exposed": "other machines can reach {at}, too; --expose permits that",
    "no network": "it talks over real sockets; the virtual machine has no network: use ossandbox run",
    "belongs to another option": "means nothing without {hint}",
    "is missing": "{key} is missing",
    "unknown key": "there is no key {value}; allowed: {allowed}",
    "two processes of one name": "two processes are called {value}",
    "expected file.py:function": "{value} is not of the form file.py:function",
    "leads out of the scenario's folder": "{value} leads out of the scenario's folder",
    "too many cpus": "{number} mini CPUs, but this machine has {allowed} (ossandbox simulate takes any number)",
    "ostep needs work": "OSTEP's simulators know synthetic work only, without periods",
    "ostep has one cpu": "OSTEP's simulators have one CPU",
    "ostep changes no policy": "its policy was changed on the way, which OSTEP's simulators cannot",
    "ostep has no such policy": "OSTEP's simulators have no {value}; they have fcfs, sjf, rr and mlfq",
    "ostep scheduler needs bursts": "OSTEP's scheduler.py knows jobs that all arrive at 0 and only compute",
    "ostep has one wait": "in OSTEP's mlfq.py all waits are equally long",
    "ostep needs regular waits": "{value} does not wait after each so much CPU time and end with a burst, as jobs of "
    "OSTEP's mlfq.py do",
    "nothing ran in it": "no process ran in it",
    "nothing else is asked for": "say what shall be otherwise: --policy, --quantum, or both",
    "is no recording": "is no recording of ossandbox (ossandbox run SCENARIO --record FILE makes one)",
    "recording is empty": "is empty: nothing was recorded",
    "recording holds no event": "holds no event: the run was not yet up when its recording ended",
    "no pid namespace": "this system lets us have no pid namespace of our own (unshare is missing, or forbidden)",
    "not a key": "{value} is no key; write for example x, f5, ctrl+x, space or full_stop",
    "key is taken": "{value} is the key of {other} already; give that another one, too",
    "not synthetic": "{value} is a real program: only work takes the same CPU time on both machines",
    "has no lesson": "has no lesson",
    "not a happening": "{value} is nothing that can happen; write {allowed}",
    "not a claim": "{value} is no claim; write {allowed}",
    "not a figure": "{value} is no figure; write for example makespan or NAME.cpu",
    "text without quotation marks": "{value} is neither a figure nor a value; put text in quotation marks",
    "text has the wrong parts": "{file} has {found} parts (a line --- stands between two); its steps make {allowed}",
    "cannot be simulated": "{value} is a real program: give it an estimate, or run it with ossandbox run",
}


#: What there is to say of a recording that can be read only in part.
_RECORDINGS = {
    "recording of a later format": "ossandbox {version} wrote it in format {format}, and this one reads up to {reads}: "
    "what it does not know is left out",
    "recording without a header": "line {line} is no header: what was run is known from the events only",
    "recording ends within a line": "line {line} was cut off: its writer was killed, or had no room",
    "lines left out": "{number} of its lines cannot be used, the first is line {line}: what they said is left out",
    "recording has no end": "it ends before the machine was down",
    "line is too long": "line {line} is longer than {allowed} bytes: nothing from there on is read",
    "too many events": "it holds more than {allowed} events: the rest is left out",
}


class _Figures(Formatter):
    """Fills templates: durations read as durations, and what is not known is left out."""

    def get_value(self, key: int | str, args: object, kwargs: Mapping[str, Figure]) -> str:
        value = kwargs.get(str(key))
        if value is None:
            return ""
        if str(key).endswith("_ns") and isinstance(value, int):
            return show_duration(value)
        return str(value)


_fill = _Figures()


def _say(templates: Mapping[str, str], clause: Clause) -> str:
    if clause.rule == "sentence":  # a person's own policy speaks for itself
        return str(clause.figures.get("text", ""))
    template = templates.get(clause.rule)
    if template is None:
        figures = ", ".join(f"{key} {value}" for key, value in clause.figures.items())
        return f"{clause.rule} ({figures})" if figures else clause.rule
    return _fill.vformat(template, (), clause.figures).strip()


def rule(clause: Clause) -> str:
    """Why a policy chose a process."""
    return _say(_RULES, clause)


def note(event: PolicyNote, names: Names) -> str:
    """A policy's own move."""
    if event.pid is None:
        return _say(_NOTES, event.note)
    name = names.get(event.pid, str(event.pid))
    if event.note.rule not in _NOTES:
        return f"{name}: {_say(_NOTES, event.note)}"
    return _say(_NOTES, Clause(event.note.rule, {**event.note.figures, "name": name}))


def queue(clause: Clause) -> str:
    """What one of a policy's queues is called."""
    return _say(_QUEUES, clause)


def cause(clause: Clause) -> str:
    """What a process waits for, in a few words."""
    return _say(_CAUSES, clause).rstrip(" ←→")


_PLACES = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_PLACE = "{place} in the queue"
_FURTHER_PLACE = "no. {place} in the queue"
#: Where the process of a connection is, or what there is instead of one.
_SITUATIONS = {
    "new": "NEW",
    "ready": "READY, {queue}",
    "running": "RUNNING",
    "blocked": "BLOCKED on {cause}",
    "done": "DONE",
    "paused": "is paused",
    "connecting": "connecting",
    "closed": "it left",
    "in the kernel's backlog": "in the kernel's backlog; {name} {server}",
}


def situation(clause: Clause) -> str:
    """How a conversation stands."""
    if clause.rule in _CLIENTS:
        return client(clause)
    figures = dict(clause.figures)
    if "where" in figures:
        where = Clause(str(figures.pop("where")), figures)
        return _say(_SITUATIONS, Clause(clause.rule, {"name": figures.get("name"), "server": situation(where)}))
    place = figures.get("place")
    if isinstance(place, int):
        known = place <= len(_PLACES)
        template = _PLACE if known else _FURTHER_PLACE
        figures["queue"] = template.format(place=_PLACES[place - 1] if known else place)
    if "on" in figures:
        figures["cause"] = cause(Clause(str(figures.pop("on")), figures))
    return _say(_SITUATIONS, Clause(clause.rule, figures)).removesuffix(" on").rstrip(" ,;")


def burst(number: int, answered: int, failed: int, figures: str) -> str:
    """What has become of clients that came all at once. ``figures``: how long their answers took."""
    said = f"burst of {number}: {answered} answered, {failed} failed"
    return f"{said}   answers: {figures}" if figures else said


def _waits(name: str, on: Clause) -> str:
    for_what = cause(on)
    return f"{name} waits" if for_what == "waiting" else f"{name} waits: {for_what}"


def operator(clause: Clause) -> str:
    """What the operator did."""
    return _say(_OPERATOR, clause)


def fault(clause: Clause) -> str:
    """What went wrong; what the operator asked for and cannot have is a problem of his."""
    return _say(_FAULTS, clause) if clause.rule in _FAULTS else problem(clause)


def client(clause: Clause) -> str:
    """Why a client has ended, if not by its own wish."""
    return _say(_CLIENTS, clause)


def problem(clause: Clause) -> str:
    """What is wrong with an input, with the suggestion where there is one."""
    said = _say(_PROBLEMS, clause)
    hint = clause.figures.get("hint")
    template = _PROBLEMS.get(clause.rule, "")
    return said if hint is None or "{hint}" in template else f"{said}. Did you mean {hint}?"


def stretch(state: str, why: Clause) -> str:
    """Why a process was in a state, in a few words."""
    match state:
        case "RUNNING":
            return rule(why)
        case "BLOCKED":
            return cause(why)
    return why.rule


IN_MS = "all times in ms"
WHAT_IF_HEADS = ("turnaround", "if", "waiting", "if", "response", "if")


def reproduced(matched: int, total: int, out_of_order: int, worst: float, trusted: bool) -> str:
    """How well a recording is reproduced by its own policy in virtual time."""
    order = "in the same order" if not out_of_order else f"{out_of_order} of them in another order"
    said = (
        f"the same policy again: {matched} of {total} slices match, {order}; no turnaround is off by more than "
        f"{worst:.1%}"
    )
    return said if trusted else f"{said}. What follows is a guess at best"


def sooner(name: str, by_ns: int, share: float) -> str:
    """Who would gain most."""
    return f"{name} would be done {_rounded(by_ns)} sooner ({share:.0%})."


def later(name: str, by_ns: int, share: float) -> str:
    """Who would lose most."""
    return f"{name} would be done {_rounded(by_ns)} later ({share:.0%})."


def what_if(label: str, was: Mapping[str, Any], would: Mapping[str, Any]) -> str:
    """What another policy would change for all."""
    means = [
        f"mean {name} {_rounded(was[f'{name}_ns']['mean'])} → {_rounded(would[f'{name}_ns']['mean'])}"
        for name in ("turnaround", "waiting", "response")
        if was[f"{name}_ns"]["mean"] is not None and would[f"{name}_ns"]["mean"] is not None
    ]
    switches = f"context switches {was['switches']} → {would['switches']}"
    return f"Under {label}: {', '.join([*means, switches])}."


def entangled(names: Sequence[str]) -> str:
    """Whose waits another policy would have changed."""
    return f"waits for other processes are as long as they were: {', '.join(names)}"


def recording(clause: Clause) -> str:
    """What there is to say of a recording."""
    return _say(_RECORDINGS, clause)


def status(event: Exited) -> str:
    """How a process ended: ``exit 0`` or the signal's name."""
    if event.signal is not None:
        return f"killed by {signal_name(event.signal)}"
    return "ended" if event.code is None else f"exit {event.code}"


def signal_name(number: int) -> str:
    """``SIGTERM`` for 15."""
    import signal

    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


_READY = {
    "admitted": "{name} arrives and joins the ready queue",
    "woke": "{name} wakes up and joins the ready queue",
    "expired": "{name} used its whole slice and goes to the tail",
    "preempted": "{name} is pushed aside and keeps the head of its queue",
    "yielded": "{name} gives the CPU away and goes to the tail",
}


def sentence(event: Event, names: Names) -> str:
    """What happened, in one sentence; "" for what needs none."""
    match event:
        case Booted():
            sensor = f", sensor {event.sensor}" if event.sensor else ""
            return f"{event.machine} machine, {event.cpus} CPU, policy {event.policy}{sensor}"
        case Admitted():
            by = f", child of {event.parent}" if event.parent is not None else ""
            return f"{event.name} is born{by}: {event.runs}"
        case Became():
            return f"{event.name} is what it is now: {event.runs}"
        case Ready(pid=pid, reason=reason):
            return _READY[reason].format(name=names[pid])
        case Dispatched(pid=pid):
            slice_text = "until it blocks" if event.slice_ns is None else f"for {show_duration(event.slice_ns)}"
            return f"{names[pid]} gets CPU {event.cpu} {slice_text}: {rule(event.why)}"
        case Descheduled(pid=pid):
            return (
                f"{names[pid]} leaves CPU {event.cpu} after {show_duration(event.ran_ns)} of CPU time: {event.reason}"
            )
        case Blocked(pid=pid):
            return _waits(names[pid], event.on)
        case Exited(pid=pid):
            return f"{names[pid]} is over: {status(event)}, {show_duration(event.cpu_ns)} of CPU time"
        case Wrote(pid=pid, text=text):
            return f"{names[pid]} writes: {clean(text).rstrip()}"
        case PolicyNote():
            return note(event, names)
        case Queues(queues=queues, running=running):
            waiting = (f"{queue(each.name)}: {_listed(each.tasks, names)}" for each in queues)
            return "; ".join([f"running: {_listed(running, names)}", *waiting])
        case Described(policy=policy, parameters=parameters):
            values = (f"{parameter.name} {parameter.value}" for parameter in parameters)
            return "; ".join([f"policy {policy}", *values])
        case Listening() | Backlog() | Connected() | Accepted() | Transferred() | Closed():
            return _socket(event, names)
        case Operator(did=did):
            return f"operator: {operator(did)}"
        case Fault(what=what, pid=pid):
            return f"{names[pid]}: {fault(what)}" if pid is not None else fault(what)
        case Scheduling():
            return f"policy {event.policy} is in force"
        case Halted(why=why):
            return f"the machine is down: {why.rule}"
    return ""


_SOCKETS = {
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


def _socket(event: SocketEvent, names: Names) -> str:
    """What happened to a listener or a connection, by its number."""
    figures: dict[str, Figure] = msgspec.structs.asdict(event)
    pid = figures.get("pid")
    name = names.get(pid, str(pid)) if isinstance(pid, int) else None
    match event:
        case Connected(pid=None):
            what = "in the backlog"
        case Connected(listener=None):
            what = "connected"
        case Connected():
            what = "accepted"
        case Accepted():
            what = "given on"
        case Transferred(received=None):
            what = "not counted"
        case Transferred(unread=unread) if unread:
            what = "unread"
        case _:
            what = type(event).__name__.lower()
    return f"socket {event.socket}: {_fill.vformat(_SOCKETS[what], (), {**figures, 'name': name})}"


def _listed(tasks: Sequence[Queued], names: Names) -> str:
    return ", ".join(names.get(task.pid, str(task.pid)) for task in tasks) or "nobody"


_LEADS = {
    "admitted": "{name} arrives.",
    "woke": "{name} wakes up.",
    "expired": "{name} used its whole slice and goes to the tail.",
    "preempted": "{name} is pushed aside and keeps the head of its queue.",
    "yielded": "{name} gives the CPU away and goes to the tail.",
}


_PAUSED = "The machine pauses."
_HELD = "{name} was running; it goes on first{rest}."
_REST = ", with what is left of its slice"


def why(recent: Sequence[Event], names: Names, policy: str, idle: bool) -> tuple[int, str] | None:
    """The last thing that needs an explanation, and what led to it: when (ns), and in sentences. ``idle``: no
    process is running or ready."""
    telling = [event for event in recent if not isinstance(event, (Ready, Booted, Admitted, Wrote))]
    if not telling:
        return None
    t_ns = telling[-1].t_ns
    instant = [event for event in recent if event.t_ns == t_ns]
    paused = any(isinstance(event, Operator) and event.did.rule == "paused" for event in instant)
    said: list[str] = [_PAUSED] if paused else []
    for event in instant:
        match event:
            case Ready(pid=pid, reason=reason):
                if paused and reason == "preempted":
                    said.append(_HELD.format(name=names[pid], rest=_REST if _sliced(pid, recent) else ""))
                else:
                    said.append(_LEADS[reason].format(name=names[pid]))
            case Blocked(pid=pid, on=on):
                said.append(f"{_waits(names[pid], on)}.")
            case Exited(pid=pid):
                said.append(f"{names[pid]} is over: {status(event)}.")
            case Dispatched(pid=pid, why=clause):
                said += _tie(instant, names)
                said.append(f"{policy} chooses {names[pid]}: {rule(clause)}.")
            case Operator(did=did) if did.rule not in ("paused", "stepped"):
                said.append(f"You: {operator(did)}.")
            case PolicyNote():
                said.append(f"{note(event, names)}.")
            case Fault():
                said.append(f"{sentence(event, names)}.")
    if idle and any(isinstance(event, (Blocked, Exited)) for event in instant):
        said.append("Nobody is ready.")
    most = 4
    if len(said) > most:
        said = ["…", *said[-most:]]
    return (t_ns, " ".join(said)) if said else None


def _tie(instant: Sequence[Event], names: Names) -> list[str]:
    """What the rule for ties decided, where slices ended at the instant at which others came; and whom the other rule
    would have chosen, where that is plain."""
    ready = [event for event in instant if isinstance(event, Ready) and event.reason in ("admitted", "woke", "expired")]
    expired = [event.pid for event in ready if event.reason == "expired"]
    come = [event.pid for event in ready if event.reason != "expired"]
    if not (expired and come):
        return []
    come_first = ready[0].reason != "expired"
    first, second = (come, expired) if come_first else (expired, come)
    rules = ("arrival-first", "requeue-first") if come_first else ("requeue-first", "arrival-first")
    said = f"All at one instant: {rules[0]} puts {_names(first, names)} before {_names(second, names)}"
    chosen = [event for event in instant if isinstance(event, Dispatched)]
    if [event.pid for event in chosen] == first[:1] and chosen[0].why.rule == "head of the ready queue":
        said += f", {rules[1]} would choose {names[second[0]]}"
    return [f"{said}."]


def _names(pids: Sequence[int], names: Names) -> str:
    return ", ".join(names[pid] for pid in pids)


def _sliced(pid: int, recent: Sequence[Event]) -> bool:
    """Whether a process has its CPU for so long only, as far as is remembered."""
    dispatches = [event for event in recent if isinstance(event, Dispatched) and event.pid == pid]
    return bool(dispatches) and dispatches[-1].slice_ns is not None


def summary(figures: Mapping[str, Any], processes: int, cpus: int = 1) -> str:
    """What a run came to, in two sentences; ``figures``: those of ``sandbox.metrics.metrics``."""
    who = "The only process is" if processes == 1 else f"All {processes} processes are"
    cpu = "CPU" if cpus == 1 else f"{cpus} CPUs"
    switches = "1 context switch" if figures["switches"] == 1 else f"{figures['switches']} context switches"
    means = {name: figures[f"{name}_ns"]["mean"] for name in ("turnaround", "waiting", "response")}
    known = ", ".join(f"{name} {_rounded(mean)}" for name, mean in means.items() if mean is not None)
    return (
        f"{who} done after {_rounded(figures['makespan_ns'])}; {cpu} in use {figures['cpu_utilisation']:.0%} of it, "
        f"{switches}. {'Its' if processes == 1 else 'Mean'} {known}."
    )


def _rounded(ns: int) -> str:
    """A duration to three digits or so: more is noise."""
    unit = 10 * MS if ns >= S else MS
    return show_duration(round(ns / unit) * unit)


def parameters(values: Mapping[str, object]) -> str:
    """A policy's parameters in force, as events carry them: ``quantum 50 ms`` for ``quantum_ns: 50000000``."""
    return "  ".join(_parameter(name, value) for name, value in values.items())


def _parameter(name: str, value: object) -> str:
    if name.endswith("_ns") and isinstance(value, int):
        return f"{name.removesuffix('_ns')} {show_duration(value)}"
    if name.endswith("_ns") and isinstance(value, list):
        return f"{name.removesuffix('_ns')} {', '.join(map(show_duration, value))}"
    return f"{name} {value}"


AGREES = "every slice has its match, in the same order, and no median error is over 2 %"
_AGREEMENT = {
    "median error of turnaround": "the median error of turnaround is {error}: more than {allowed}",
    "median error of slices": "the median error of a slice's CPU time is {error}: more than {allowed}",
    "processes did not end": "not in both runs to the end: {names}",
    "slices do not match": (
        "slices do not match: {only_virtual} are in virtual time only, {only_real} on real processes only "
        "({real_ns} of CPU time), {matched} in both"
    ),
    "slices out of order": "{number} slices come in another order on real processes",
}


def endings(number: int, cpu_ns: int) -> str:
    """What real processes do once their declared work is done."""
    who = "1 real slice more only ends its process" if number == 1 else f"{number} real slices more only end processes"
    return f"{who} ({show_duration(cpu_ns)} of CPU time)"


def defect(clause: Clause) -> str:
    """How a real run differs from its virtual one by more than it may."""
    shares = {key: f"{value:.1%}" for key, value in clause.figures.items() if isinstance(value, float)}
    return _say(_AGREEMENT, Clause(clause.rule, {**clause.figures, **shares}))


def hangs_on_ties(name: str, share: float, nudge_ns: int) -> str:
    """Why a real run may differ from its virtual one, though neither is at fault."""
    return (
        f"this schedule hangs on ties: in virtual time, too, the turnaround of {name} changes by {share:.0%} when "
        f"arrivals and waits take up to {show_duration(nudge_ns)} longer"
    )


def stood_in(label: str) -> str:
    """Why a row of a comparison is not compared."""
    return f"{label}: it failed, and another policy stood in for it"


def unfinished(label: str, number: int, of: int) -> str:
    """Why a row of a comparison is not compared."""
    return f"{label}: {number} of {of} processes had not ended; its figures are those of the others"


_FINDINGS = {
    "never": "never",
    "times": "{number} times, first at {first_ns}",
    "at": "at {times}",
    "figures": "{left} and {right}",
    "figure": "{left}",
    "no such figure": "nothing is known of {name}",
}


def finding(clause: Clause) -> str:
    """What a run showed of a lesson's claim."""
    if clause.rule == "figures" and clause.figures["right"] is None:  # the claim itself says what it is compared with
        clause = Clause("figure", clause.figures)
    return _say(_FINDINGS, clause)


def step_reached(happening: Happening, t_ns: int) -> str:
    """What a step of a lesson waited for has happened; in Markdown."""
    return f"✔ `{happening}` after {_rounded(t_ns)}"


def step_awaited(happening: Happening) -> str:
    """What a step of a lesson waits for; in Markdown."""
    return f"waits until `{happening}`"


DECLARED = "its class says that it need not"
UNJUDGED = "not judged: it did not get that far"
_VIOLATIONS = {
    "policy raises": "{callback} raises {error}",
    "policy answers nonsense": "{callback} answers {answer} instead of {allowed}",
    "policy takes too long": "{callback} does not come back",
    "ends the process": "it ended the process that examined it: {reason}",
    "no end": "there is no end to it: {number} events",
    "lost": "{name} was ready from {since_ns} on and never ran again",
    "idle": "CPU {cpu} stood idle for {for_ns} while somebody was ready: {names}",
    "starved": "{name}, ready from {since_ns} on, got no turn while others ran for {bound_ns}",
    "two runs differ": "two runs of the same workload differ from here on",
    "slice too short": "{name} got a slice of {slice_ns}; slices are in ns, at least {figure_ns}, None for no end",
    "ran beyond its slice": "{name} ran for {figure_ns} in a slice of {slice_ns}",
    "decides otherwise": "at {at_ns} {policy} runs {ours}, and {like} runs {theirs}",
}


def violation(clause: Clause) -> str:
    """What a policy did that a law of scheduling forbids."""
    return _say(_VIOLATIONS, clause)
