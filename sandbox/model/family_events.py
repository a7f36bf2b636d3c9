"""Events about ended processes and the children of ended processes."""

from __future__ import annotations

from sandbox.model.event import Event


class Zombie(Event, frozen=True, tag=True):
    """``pid`` has ended, and ``parent`` has not waited for it yet: until it does, the system keeps the exit status."""

    pid: int
    parent: int


class Reaped(Event, frozen=True, tag=True):
    """``pid``, which was a zombie, has been waited for, and nothing is left of it. ``by``: the process that waited;
    None: ossandbox did."""

    pid: int
    by: int | None = None


class Adopted(Event, frozen=True, tag=True):
    """The parent of ``pid`` has ended, and its new parent is ``by``; None: ossandbox, which adopts orphans as the init
    process of a system does."""

    pid: int
    by: int | None = None
