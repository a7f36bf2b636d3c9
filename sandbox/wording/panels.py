"""Texts of the diagrams of states and of quadrants."""

from __future__ import annotations

from sandbox.i18n import Messages, _
from sandbox.model.events import Clause, Dispatched, Figure
from sandbox.util.units import MS, show_duration
from sandbox.wording.policies import rule
from sandbox.wording.templates import say
from sandbox.wording.waits import cause

_TRANSITIONS: Messages = {
    "admitted": "admitted",
    "admitted waiting": "admitted, waiting",
    "dispatched": "dispatched",
    "expired": "slice used up",
    "preempted": "preempted",
    "yielded": "yields",
    "blocked": "waits",
    "woke": "wakes up",
    "exited": "exits",
    "killed": "killed",
    "exited while ready": "exits",
    "killed while ready": "killed",
    "exited while blocked": "exits",
    "killed while blocked": "killed",
    "stopped": "stopped",
    "stopped while blocked": "stopped while it waited",
    "continued": "continued",
    "continued to wait": "continued, waits on",
    "exited while stopped": "exits",
    "killed while stopped": "killed while stopped",
}
#: Why a process is in its quadrant: in a few words, and in sentences.
_SEATS: Messages = {
    "waits in a call": "{cause}",
    "waits for the first of several": "{cause}",
    "goes on meanwhile": "goes on, child {child} is not done",
    "goes on beside several": "goes on, {number} children are not done",
    "asks again and again": "asks again and again",
    "computes": "computes",
}
_REASONS: Messages = {
    "waits in a call": "{name} waits in one call, {cause}, and does nothing else until the answer is there. The CPU "
    "does not work for it: BLOCKED for {blocked_ns} so far.",
    "waits for the first of several": "{name} has asked several, and waits for whoever answers first: {cause}. The CPU "
    "does not work for it: BLOCKED for {blocked_ns} so far.",
    "goes on meanwhile": "{name} has started child {child}, and goes on while that is not done: it has been RUNNING "
    "for {cpu_ns} since then.",
    "goes on beside several": "{name} has started children, and goes on while {number} of them are not done: it has "
    "been RUNNING for {cpu_ns} since the first began.",
    "asks again and again": "{name} asks {at} again and again, instead of waiting in the call: it was RUNNING for "
    "{cpu_ns}, and BLOCKED for {blocked_ns}.",
    "computes": "{name} waits for nothing but the CPU: it was RUNNING for {cpu_ns}, and BLOCKED for {blocked_ns}. It "
    "has its answer when it has computed it.",
}


def transition(name: str, number: int) -> str:
    """Return the name of a transition between two states, and how often it was made."""
    return f"{_(_TRANSITIONS[name])} {number}"


def turn(event: Dispatched) -> str:
    """Return when and why a process was last dispatched."""
    said = _("dispatched last at {time}: {why}")
    return said.format(time=show_duration(event.t_ns // MS * MS), why=rule(event.why))


def seat(why: Clause, on: Clause | None) -> str:
    """Return in a few words why a process is in its quadrant. ``on``: the cause of its wait, if any."""
    return say(_SEATS, _seated("", why, on))


def seat_reason(name: str, why: Clause, on: Clause | None) -> str:
    """Return in sentences why a process is in its quadrant. ``on``: the cause of its wait, if any."""
    return say(_REASONS, _seated(name, why, on))


def _seated(name: str, why: Clause, on: Clause | None) -> Clause:
    """Return the reason with all figures that the texts use: times in whole milliseconds, the process's name, and what
    it waits for."""
    figures: dict[str, Figure] = {
        key: value // MS * MS if key.endswith("_ns") and isinstance(value, int) else value
        for key, value in why.figures.items()
    }
    said = why.rule if figures.get("number", 1) == 1 else "goes on beside several"
    return Clause(said, {**figures, "name": name, "cause": _("a call") if on is None else cause(on)})
