"""What is written in the pictures of states and of quadrants."""

from __future__ import annotations

from sandbox.events import Dispatched
from sandbox.language import Messages, _
from sandbox.units import show_duration
from sandbox.wording.choices import rule

_TRANSITIONS: Messages = {
    "admitted": "admitted",
    "dispatched": "dispatched",
    "expired": "slice used up",
    "preempted": "preempted",
    "yielded": "yields",
    "paused": "paused",
    "blocked": "waits",
    "woke": "wakes up",
    "exited": "exits",
    "killed": "killed",
    "exited while ready": "exits",
    "killed while ready": "killed",
    "exited while blocked": "exits",
    "killed while blocked": "killed",
}


def transition(name: str, number: int) -> str:
    """What an arrow between two states is called, and how often it was taken."""
    return f"{_(_TRANSITIONS[name])} {number}"


def turn(event: Dispatched) -> str:
    """When and why a process got the CPU last."""
    said = _("dispatched last at {time}: {why}")
    return said.format(time=show_duration(event.t_ns // 1_000_000 * 1_000_000), why=rule(event.why))
