"""Sentences for the faults of a run and the actions of the operator."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from sandbox.i18n import Messages, english
from sandbox.model.clause import Clause
from sandbox.model.rules import ORDER
from sandbox.wording.problems import problem
from sandbox.wording.steps import unkept
from sandbox.wording.templates import Names, say

_FAULTS: Messages = {
    "no such process": "there is no process {who}",
    "has ended already": "{who} has ended already",
    "cannot run now": "{who} cannot run now: choose one that is ready",
    "decides by itself": "{policy} decides by itself: nobody is asked",
    "could not be started": "{name} could not be started: {reason}",
    "shares its CPUs": "other runs use the real CPU {cpus}, too: each of them gets a part of it",
    "keeps our descriptors": "processes keep our own limit of descriptors ({reason})",
    "keeps our priority": "processes keep our own priority ({reason})",
    "not confined": "programs that gain rights by themselves (setuid) are not held back ({reason})",
    "waits late": "waits may end 50 µs late ({reason})",
    "not pinned": "processes are not kept to their mini CPU, the system may move them ({reason})",
    "not a batch task": "each stop is awaited before the next process runs ({reason})",
    "port is taken": "{name} cannot listen at {at}: somebody else does; {hint} is free",
    "port is taken by": "{name} cannot listen at {at}: {by} does; {hint} is free",
    "is exposed": "{name} does not listen at {at}: other machines can reach it, too; --expose permits that",
    "nobody listens": "{name} could not be started: nobody listens at {at}",
    "ended before its arrival": "{name} ended before its arrival",
    "asked for other CPUs": "it has asked the system for other real CPUs; it is kept on that of its mini CPU",
    "many threads": "it has {number} threads: the system wakes each of them whenever it is stopped or continued, which "
    "costs it CPU time of its own; longer slices cost less",
    "stopped itself": "it has stopped itself: it waits for a SIGCONT",
    "not suspended": "{by} does not stop it, because no shell with job control started it: start it in one, or send it "
    "STOP (k)",
    "continued by somebody else": "somebody else continued it; it was stopped again",
    "its group was orphaned": "its process group was orphaned while we had stopped it: the system sent it SIGHUP and "
    "SIGCONT",
    "handles SIGCONT": "{name} handles SIGCONT: it sees that it goes on after each stop (ossandbox doctor: freezer)",
    "waits for SIGCONT": "{name} blocks SIGCONT and may wait for it: it sees that it goes on after each stop "
    "(ossandbox doctor: freezer)",
    "handles SIGCHLD": "{name} handles SIGCHLD: its handler may be called whenever we stop a child of it, as if that "
    "had ended (ossandbox doctor: freezer)",
    "waits for SIGCHLD": "{name} blocks SIGCHLD and may wait for it: it may see it whenever we stop a child of it, as "
    "if that had ended (ossandbox doctor: freezer)",
    "watches its jobs": "{name} watches its jobs: it will see our stops (ossandbox doctor: freezer)",
    "traces others": "{name} traces other programs: it will see our stops (ossandbox doctor: freezer)",
    "is traced": "somebody outside traces it, and sees our stops",
    "freezer cannot be had": "processes cannot be frozen here: {reason}; they are stopped by signals",
    "cannot be frozen": "it cannot be frozen: {reason}; it is stopped by signals",
    "was moved": "somebody has moved it to another control group; it is stopped by signals",
    "sensor cannot be had": "the sensor {sensor} cannot be had here: {reason}; {next} notices blocking instead",
    "sensor lost": "the sensor {sensor} is lost: {reason}; {next} goes on in its place",
    "no list of sockets": "who is connected to whom cannot be seen here: {reason}",
    "no witness": "the slices cannot be verified here: {reason}",
    "stood still": "the kernel process got no CPU for {for_ns}: nobody was scheduled meanwhile",
    "keeps the CPU": "it has had the CPU for {for_ns}, and {waiting} waits: the policy does not take it away",
    "no new privileges": "{name} cannot gain the privileges that it is made for: --setuid permits that",
    "too much memory": "it needed more than its {memory} of memory, and was ended",
    "write cut short": "its stop cut a write short: {taken} of {bytes} bytes; "
    "a program that does not look at what write returns loses the rest",
    "stop not confirmed": "it was told to stop and has not done so yet: the system is busy; nobody waits for that",
    "waits for somebody to type": "nobody is here to type for {names}: the run ends",
    "waits for the other end of a pipe": "nobody is here to open the other end of the named pipe that {names} opens: "
    "the run ends",
    "waits for a signal": "nobody is here to send {names} a signal: the run ends",
    "deadlock": "deadlock of {names}: each of them waits for another one, for ever: the run ends",
    "spins for ever": "{names} goes round and round, and nobody is left who could change anything: the run ends",
    "turn without end": "line {line} of {file} has no end: after {cpu_ns} of CPU time its process was ended",
    "only what steps": "{name} has no lines to step through: it cannot be started in this run",
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
    "command hangs": "the policy does not come back from {callback}, {file} line {line} ({code}), where nothing can "
    "interrupt it; the command has been ended",
    "command died": "the command died ({reason})",
    "command ended": "a policy has ended the command in the middle (exit status {status})",
    "kernel process died": "the kernel process died ({reason}); everything that it ran has been ended",
}

#: Why a run of a sweep, or all the rest of them, gave no result.
_RUNS: Messages = {
    "policy raises": "{policy} fails in {callback}, {file} line {line}: {error} ({code})",
    "policy answers nonsense": "{policy}: {callback}, {file} line {line}, answers {answer} instead of {allowed}",
    "policy takes too long": "{policy} does not come back from {callback}, {file} line {line} ({code})",
    "run hangs": "the policy does not come back from {callback}, {file} line {line} ({code}), where nothing can "
    "interrupt it",
    "run ends the process": "the policy ends the process that runs it (exit status {status})",
    "run takes too long": "it is not over after {limit_ns}",
    "worker died": "the process that ran it died: {reason}",
    "worker was killed": "the process that ran it was killed: by somebody, or for want of memory",
    "run did not begin": "the run did not begin",
    "cannot be simulated": "{value} is a real program without an estimate, or talks over a network: virtual time has "
    "no place for it",
    "no cluster extra": "a cluster needs the extra: {hint}",
    "no scheduler answers": "no Dask scheduler answers at {at}: {reason}",
    "scheduler is gone": "the Dask scheduler at {at} is gone",
    "worker has none": "the worker {at} has no ossandbox {ours}; every worker needs the same version",
    "worker of another version": "the worker {at} has ossandbox {version}, and this is {ours}; every worker needs the "
    "same version",
    "no workers": "the Dask scheduler at {at} has had no worker for {for_ns}",
    "no worker begins": "the process that is to make the runs does not begin: {reason}",
    "no more work is taken": "no more work is taken: {reason}",
}

_OPERATOR: Messages = {
    "paused": "paused",
    "resumed": "resumed",
    "stepped": "one step",
    "chose": "chose {name}",
    "quit": "quit",
    "killed": "killed {name}",
    "signalled": "sent {signal} to {name}",
    "spawned": "started {runs}",
    "typed": "typed into {name}: {text}",
    "typed unseen": "typed into {name}, whose echo is off",
    "pressed": "pressed {key} in {name}",
    "keys": "typed into {name}",
    "set": "{parameter} is {value} now",
    "policy": "policy is {policy} now",
    "reloaded": "{policy} has been loaded anew",
}


def fault(clause: Clause) -> str:
    """Return what went wrong; for a refused request, return the problem with it."""
    if clause.rule == ORDER:
        return unkept(clause)
    return say(_FAULTS, clause) if clause.rule in _FAULTS else problem(clause)


def add_sentences(document: dict[str, Any]) -> None:
    """Add a sentence to each fault of a result document, in English because the document is for programs."""
    with english():
        for each in document["faults"]:
            each["text"] = fault(Clause(each["rule"], each["figures"]))


def run_failed(clause: Clause) -> str:
    """Return why a run gave no result."""
    return say(_RUNS, clause) if clause.rule in _RUNS else fault(clause)


def operator(clause: Clause, names: Names = MappingProxyType({})) -> str:
    """Return what the operator did."""
    pid = clause.figures.get("pid")
    if not isinstance(pid, int):
        return say(_OPERATOR, clause)
    return say(_OPERATOR, Clause(clause.rule, {**clause.figures, "name": names.get(pid, str(pid))}))
