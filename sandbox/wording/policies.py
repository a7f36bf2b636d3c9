"""Texts about policies: their rules, why they chose a process, what they did by themselves, their queues and
parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from sandbox.i18n import Messages, _
from sandbox.model.clause import Clause
from sandbox.util.units import show_duration
from sandbox.wording.templates import Names, say

if TYPE_CHECKING:
    from sandbox.model.events import PolicyNote

_RULES: Messages = {
    "head of the ready queue": "it is the head of the ready queue",
    "goes on after a pause": "it had the CPU when the machine paused",
    "keeps the CPU": "it has the CPU, and no process that has arrived may preempt it",
    "shortest next burst": "its next burst is the shortest: {burst_ns}",
    "shortest estimated burst": "its next burst is estimated to be the shortest: {burst_ns}",
    "least remaining time": "least remaining time: {remaining_ns}",
    "least estimated remaining time": "least remaining time, by estimate: {remaining_ns}",
    "highest response ratio": "highest response ratio: {ratio} after waiting {waited_ns} for {burst_ns}",
    "best priority": "best priority: {priority}",
    "best priority by age": "best priority: {priority}, its own being {own}",
    "best priority by inheritance": "best priority: {priority}, inherited from {from}, who waits for it; its own is "
    "{own}",
    "best priority through others": "best priority: {priority}, inherited from {from}, who waits for {through}, who "
    "waits for it; its own is {own}",
    "highest non-empty queue": "the highest non-empty queue is {level}",
    "holds the drawn ticket": "it holds ticket {ticket}: it has {first} to {last}",
    "lowest pass": "lowest pass: {pass}; its stride is {stride}",
    "least virtual runtime": "least virtual runtime: {vruntime_ns}",
    "earliest virtual deadline": "of those who have not had their share, the earliest virtual deadline: {deadline_ns}",
    "earliest deadline": "its deadline is the earliest: {due_ns}",
    "nobody who is admitted is ready": "no admitted process is ready, and it became ready first",
    "no deadline is left": "no process with a deadline is ready, and it became ready first",
    "shortest period": "its period is the shortest: {period_ns}",
    "no period is left": "no process with a period is ready, and it became ready first",
    "you chose": "you chose it",
    "nobody else is ready": "nobody else is ready",
    "turn in the order": "it has turn {turn} of the {of} in the order",
}

#: Sentences for a policy's own moves, with and without a process.
_NOTES: Messages = {
    "demoted": "{name} used up its slices in queue {from} and moves down to queue {to}",
    "boosted": "boost: all return to the top queue, {lifted} from below",
    "bumped": "{name} returns from I/O and goes to the head of queue {level}",
    "aged": "{name} has waited long: its priority improves from {before} to {after}",
    "inherited": "{name} has what {from} waits for: its priority is {priority} instead of {before}",
    "inherited through others": "{name} has what {through} waits for, and {from} waits for {through}: its priority is "
    "{priority} instead of {before}",
    "inherited no longer": "{name} has let go: its priority is its own again, {priority}",
    "drew": "the lottery drew {ticket} of {total}",
    "estimate updated": "{name} ran {burst_ns} where {before_ns} were expected; {estimate_ns} are expected next",
    "not admitted": "{name} needs {share} of the CPU, and {left} is left: it runs in the background",
    "caught up": "{name} has slept: its pass moves from {before} to {after}, it gets no time back",
    "credit limited": "{name} has slept: its virtual runtime moves from {before_ns} to {after_ns}, no further back",
    "missed its deadline": "{name} misses its deadline, {due_ns}",
    "nobody to ask": "no user is here to choose: the script does, else the process that has been ready longest runs",
    "cannot be chosen": "{name} was chosen, but cannot run",
}

_QUEUES: Messages = {
    "ready queue": "ready queue",
    "level": "queue {level}",
    "eligible": "eligible",
    "ahead of its share": "ahead of their share",
}

#: Column headings for the figures that a policy knows of a task.
_FIGURES: Messages = {
    "burst_ns": "CPU burst",
    "deadline_ns": "deadline",
    "due_ns": "due",
    "estimate_ns": "estimate",
    "from": "lent by",
    "level": "level",
    "own": "own",
    "pass": "pass",
    "period_ns": "period",
    "priority": "priority",
    "remaining_ns": "remaining",
    "slices": "slices",
    "stride": "stride",
    "through": "through",
    "tickets": "tickets",
    "vruntime_ns": "vruntime",
    "weight": "weight",
}


def rule_and_rest(docstring: str | None) -> tuple[str, str]:
    """Return the first paragraph of a policy's docstring, which is its rule, and all the rest, each as one line."""
    first, _blank, rest = inspect.cleandoc(docstring or "").replace("``", "").partition("\n\n")
    return _(" ".join(first.split())), _(" ".join(rest.split()))


def rule(clause: Clause) -> str:
    """Return why a policy chose a process."""
    return say(_RULES, clause)


def note(event: PolicyNote, names: Names) -> str:
    """Return a sentence for a policy's own move."""
    if event.pid is None:
        return say(_NOTES, event.note)
    name = names.get(event.pid, str(event.pid))
    if event.note.rule not in _NOTES:
        return f"{name}: {say(_NOTES, event.note)}"
    return say(_NOTES, Clause(event.note.rule, {**event.note.figures, "name": name}))


def queue(clause: Clause) -> str:
    """Return the name of one of a policy's queues."""
    return say(_QUEUES, clause)


def figure(name: str) -> str:
    """Return the heading for a figure that a policy knows of its tasks; unknown figures, as of a user's own policy, go
    by their own name."""
    return _(_FIGURES.get(name, name.removesuffix("_ns")))


#: The most words of a list that are shown.
_MAX_WORDS = 8

#: Names of the built-in policies' parameters for display. To set them, the policies' own names are used.
_PARAMETERS: Messages = {
    "quantum": "quantum",
    "quanta": "quanta",
    "latency": "latency",
    "base": "base",
    "aging": "aging",
    "allotments": "allotments",
    "boost": "boost",
    "io_bump": "io_bump",
    "stay": "stay",
    "granularity": "granularity",
    "alpha": "alpha",
    "knows": "knows",
    "preemptive": "preemptive",
    "larger": "larger",
    "inherit": "inherit",
    "guess": "guess",
    "order": "order",
    "then": "then",
}

#: Values of parameters that are words.
_VALUES: Messages = {
    "true": "true",
    "false": "false",
    "declared": "declared",
    "estimate": "estimate",
}


def parameters(values: Mapping[str, object]) -> str:
    """Return a policy's parameters, given as in events, for display: ``quantum 50 ms`` for ``quantum_ns: 50000000``."""
    written = {name: value if name.endswith("_ns") else _as_people_write(value) for name, value in values.items()}
    return _each(written, lambda name: _(_PARAMETERS.get(name, name)))


def _as_people_write(value: object) -> object:
    """Return truth values, words and lists of whole numbers as people write them, not as Python does."""
    if isinstance(value, bool):
        value = str(value).lower()
    if isinstance(value, str):
        return _(_VALUES[value]) if value in _VALUES else value
    if isinstance(value, list) and all(isinstance(each, int) for each in value):
        return ", ".join(map(str, value)) or "–"
    return value


def parameters_by_name(values: Mapping[str, object]) -> str:
    """Return the parameters for programs, by the names used in scenarios, which are the same in every language."""
    return _each(values, str)


def _each(values: Mapping[str, object], call: Callable[[str], str]) -> str:
    return "  ".join(f"{call(name.removesuffix('_ns'))} {_amount(name, value)}" for name, value in values.items())


def _amount(name: str, value: object) -> str:
    if name.endswith("_ns") and isinstance(value, int):
        return show_duration(value)
    if name.endswith("_ns") and isinstance(value, list):
        return ", ".join(map(show_duration, value))
    if isinstance(value, list) and value and all(isinstance(each, str) for each in value):  # an order of turns
        return " ".join(value) if len(value) <= _MAX_WORDS else f"{' '.join(value[:_MAX_WORDS])} … ({len(value)})"
    return str(value)
