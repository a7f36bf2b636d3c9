"""A policy as it shows itself: its queues, and who is in them; its parameters."""

from __future__ import annotations

import msgspec

from sandbox.model.clause import Clause, Figure


class Queued(msgspec.Struct, frozen=True):
    """A task in one of the policy's queues, or on a CPU, with what the policy knows of it."""

    pid: int
    figures: dict[str, Figure] = {}


class QueueView(msgspec.Struct, frozen=True):
    """One of the policy's own queues: who would be next stands first. ``number``: how many are in it, of whom the
    first are told. ``slice_ns``: how long each may run from here (None: it differs, or has no end)."""

    name: Clause
    slice_ns: int | None
    number: int
    tasks: list[Queued]


class ParameterView(msgspec.Struct, frozen=True):
    """One of a policy's parameters: its value in force, as a person would type it, and what is ``allowed``."""

    name: str
    value: str
    allowed: str
    says: str
