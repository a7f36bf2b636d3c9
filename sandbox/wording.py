"""Data → sentences: what events, causes, rules and faults are called on a screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import Formatter
from typing import Any

from sandbox.events import (
    Admitted,
    Blocked,
    Booted,
    Clause,
    Descheduled,
    Dispatched,
    Event,
    Exited,
    Fault,
    Figure,
    Halted,
    Operator,
    PolicyNote,
    Ready,
    Scheduling,
    Wrote,
)
from sandbox.units import MS, S, show_duration

Names = Mapping[int, str]

_RULES = {
    "head of the ready queue": "it is the head of the ready queue",
    "goes on after a pause": "it was on the CPU when the machine paused",
}

_CAUSES = {
    "sleep": "sleep {for_ns}",
    "read console": "read console",
    "write console": "console full",
    "read pipe": "read pipe",
    "write pipe": "pipe full",
    "read file": "read file",
    "write file": "write file",
    "wait for child": "wait for child {pid}",
    "futex": "lock",
    "poll": "poll",
    "accept": "accept",
    "recv": "recv",
    "send": "send",
    "connect": "connect",
    "start": "child starts",
    "signal": "a signal",
    "semaphore": "semaphore",
    "lock": "file lock",
    "open": "open file",
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
    "set": "{parameter} is {value} now",
    "policy": "policy is {policy} now",
}

_FAULTS = {
    "no such process": "there is no process {who}",
    "could not be started": "{name} could not be started: {reason}",
    "ended before its arrival": "{name} ended before its arrival",
    "stopped itself": "it stopped itself; its next turn continues it",
    "continued by somebody else": "somebody else continued it; it was stopped again",
    "stop not confirmed": "its stop is not confirmed yet; the others go on",
    "waits for somebody to type": "nobody is here to type for {names}: the run ends",
    "nothing can happen any more": "nothing can happen any more: the run ends",
    "only on real processes": "{command} needs real processes; the virtual machine has none",
    "kernel process died": "the kernel process died ({reason}); everything that it ran has been ended",
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
    "no such policy": "there is no policy {value}; there are: {allowed}",
    "no such file": "there is no file {value}",
    "no such class": "there is no class {value} in {file}",
    "no such function": "there is no function {value} in {file}; there are: {allowed}",
    "no such scenario": "there is no scenario {value}; there are: {allowed}, or give the path of a file",
    "no such process": "there is no process {value}; there are: {allowed}",
    "not a Python file": "{value} is no Python file",
    "file does not load": "{value} does not load: {reason}",
    "not a policy": "{value} is no policy: its class must derive from sandbox.policies.base.Policy",
    "no policy in the file": "the file of {value} holds no policy of that name",
    "file is too large": "the file is larger than {allowed}",
    "cannot be read": "cannot be read: {reason}",
    "is not UTF-8": "is not UTF-8 text (byte {byte})",
    "is not TOML": "is not TOML: {reason}",
    "is nested too deeply": "is nested too deeply",
    "too many processes": "{number} processes; at most {allowed}",
    "too many tables": "{number} tables; at most {allowed}",
    "says nothing to run": "says nothing to run; give exactly one of: {allowed}",
    "says more than one thing to run": "says {found}; give exactly one of: {allowed}",
    "belongs to python only": "belongs to python only",
    "is missing": "{key} is missing",
    "unknown key": "there is no key {value}; allowed: {allowed}",
    "two processes of one name": "two processes are called {value}",
    "expected file.py:function": "{value} is not of the form file.py:function",
    "leads out of the scenario's folder": "{value} leads out of the scenario's folder",
    "too many cpus": "{number} mini CPUs, but this machine has {allowed} (ossandbox simulate takes any number)",
    "no pid namespace": "this system lets us have no pid namespace of our own (unshare is missing, or forbidden)",
    "not a key": "{value} is no key; write for example x, f5, ctrl+x, space or full_stop",
    "key is taken": "{value} is the key of {other} already; give that another one, too",
    "cannot be simulated": "{value} is a real program: give it an estimate, or run it with ossandbox run",
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


def cause(clause: Clause) -> str:
    """What a process waits for, in a few words."""
    return _say(_CAUSES, clause)


def _waits(name: str, on: Clause) -> str:
    for_what = cause(on)
    return f"{name} waits" if for_what == "waiting" else f"{name} waits: {for_what}"


def operator(clause: Clause) -> str:
    """What the operator did."""
    return _say(_OPERATOR, clause)


def fault(clause: Clause) -> str:
    """What went wrong."""
    return _say(_FAULTS, clause)


def problem(clause: Clause) -> str:
    """What is wrong with an input, with the suggestion where there is one."""
    said = _say(_PROBLEMS, clause)
    hint = clause.figures.get("hint")
    template = _PROBLEMS.get(clause.rule, "")
    return said if hint is None or "{hint}" in template else f"{said}. Did you mean {hint}?"


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
    "yielded": "{name} stopped itself and goes to the tail",
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
            return f"{names[pid]} writes: {text.rstrip()}"
        case PolicyNote(note=note):
            return rule(note)
        case Operator(did=did):
            return f"operator: {operator(did)}"
        case Fault(what=what, pid=pid):
            return f"{names[pid]}: {fault(what)}" if pid is not None else fault(what)
        case Scheduling():
            return f"policy {event.policy} is in force"
        case Halted(why=why):
            return f"the machine is down: {why.rule}"
    return ""


_LEADS = {
    "admitted": "{name} arrives.",
    "woke": "{name} wakes up.",
    "expired": "{name} used its whole slice and goes to the tail.",
    "preempted": "{name} is pushed aside and keeps the head of its queue.",
    "yielded": "{name} stopped itself and goes to the tail.",
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
                said.append(f"{policy} chooses {names[pid]}: {rule(clause)}.")
            case Operator(did=did) if did.rule not in ("paused", "stepped"):
                said.append(f"You: {operator(did)}.")
            case PolicyNote(note=note):
                said.append(f"{rule(note)}.")
            case Fault():
                said.append(f"{sentence(event, names)}.")
    if idle and any(isinstance(event, (Blocked, Exited)) for event in instant):
        said.append("Nobody is ready.")
    most = 4
    if len(said) > most:
        said = ["…", *said[-most:]]
    return (t_ns, " ".join(said)) if said else None


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
