"""A policy's description of itself: its queues with their tasks, and its parameters."""

from __future__ import annotations

import msgspec

from sandbox.model.clause import Clause, Figure


class Queued(msgspec.Struct, frozen=True):
    """A task in one of the policy's queues or on a CPU, with the policy's figures for it."""

    pid: int
    figures: dict[str, Figure] = {}


class QueueView(msgspec.Struct, frozen=True):
    """One of the policy's own queues, in the order in which its tasks would be chosen. ``number``: the length of the
    queue; ``tasks`` may hold only the first of them. ``slice_ns``: the time slice of each task (None: it differs, or
    has no end)."""

    name: Clause
    slice_ns: int | None
    number: int
    tasks: list[Queued]


class ParameterView(msgspec.Struct, frozen=True):
    """One of a policy's parameters: its value in force as a person would type it, the ``allowed`` values, and its
    description (``says``)."""

    name: str
    value: str
    allowed: str
    says: str
